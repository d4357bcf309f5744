import type { PodFigures } from '../../core/slo';
import type { Config } from '../../config/config';
import type { Log } from '../log';
import type { Pod } from '../pod';
import type { Store } from '../../store/types';

interface FiguresContext {
  readonly config: Config;
  readonly store: Store;
  readonly pod: Pod;
  readonly log: Log;
  readonly metrics: { readonly figures: Figures };
}

/** Of more searches in a window a sample is kept: a percentile needs no more. */
const samplesMax = 4_096;

const isSearch = (route: string): boolean => /\/(search|multi-search)$/.test(route);

/**
 * What this pod's clients get, in numbers that are small enough to be published every few seconds. A
 * window is over when it is published; the guard reads the last ones of all pods.
 */
export class Figures {
  #requests = 0;
  #errors = 0;
  #searches = 0;
  #samples: number[] = [];

  /** `route` is the pattern of the route. Operators' requests are no part of the service. */
  add(route: string, outcome: { readonly status: number; readonly seconds: number }): void {
    if (route.startsWith('/_miroir')) return;
    this.#requests += 1;
    if (outcome.status >= 500) this.#errors += 1;
    if (!isSearch(route)) return;
    this.#searches += 1;
    const ms = outcome.seconds * 1_000;
    if (this.#samples.length < samplesMax) this.#samples.push(ms);
    else this.#samples[this.#searches % samplesMax] = ms;
  }

  /** The window until now; the next one begins empty. */
  take(pod: string, at: number): PodFigures {
    const sorted = [...this.#samples].sort((a, b) => a - b);
    const figures: PodFigures = {
      ...{ pod, at, requests: this.#requests, errors: this.#errors, searches: this.#searches },
      searchP95Ms: sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.95))] ?? 0,
    };
    this.#requests = 0;
    this.#errors = 0;
    this.#searches = 0;
    this.#samples = [];
    return figures;
  }
}

/** Publishes them at an even pace. Returns the way to stop. */
export function publishFigures(ctx: FiguresContext): () => void {
  if (ctx.config.slo.action === 'off') return () => undefined;
  const timer = setInterval(() => {
    ctx.store.figures
      .publish(ctx.metrics.figures.take(ctx.pod.id, Date.now()))
      .catch((error: unknown) => ctx.log.debug({ err: error }, 'figures were not published'));
  }, ctx.config.slo.everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
