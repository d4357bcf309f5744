import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { Figures } from './figures';

/** The buckets that Meilisearch has, so that dashboards go on working. */
const secondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** The engine's name of a route: dashboards of it select by this label. */
const enginePath = (path: string): string =>
  path
    .replace(/^\/(task|batch)(s|es)\/\{uid\}/, '/$1$2/{$1_id}')
    .replace(/\{\w+\}/g, (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));

/**
 * What this pod counts of itself, and gauges that the route sets right before they are read. Each pod
 * has its own registry, because several run in one process in tests.
 */
export class Metrics {
  /** For the guard of the service level. */
  readonly figures = new Figures();
  readonly registry = new Registry();
  readonly #registers = [this.registry];
  readonly #requests = new Counter({
    name: 'miroir_requests_total',
    help: 'Requests that this pod answered',
    labelNames: ['method', 'route', 'status'],
    registers: this.#registers,
  });
  readonly #seconds = new Histogram({
    name: 'miroir_request_duration_seconds',
    help: 'From the first byte of a request to the last of its answer',
    labelNames: ['method', 'route'],
    buckets: secondsBuckets,
    registers: this.#registers,
  });
  readonly #writes = new Counter({
    name: 'miroir_writes_total',
    help: 'Writes that this pod carried, by the type of their task and what came of them',
    labelNames: ['type', 'outcome'],
    registers: this.#registers,
  });
  readonly #engineRequests = new Counter({
    name: 'meilisearch_http_requests_total',
    help: 'Meilisearch HTTP requests total',
    labelNames: ['method', 'path', 'status'],
    registers: this.#registers,
  });
  readonly #engineSeconds = new Histogram({
    name: 'meilisearch_http_response_time_seconds',
    help: 'Meilisearch HTTP response times',
    labelNames: ['method', 'path'],
    buckets: secondsBuckets,
    registers: this.#registers,
  });
  readonly #searchesRunning = new Gauge({
    name: 'meilisearch_searches_running',
    help: 'Meilisearch Searches Running',
    registers: this.#registers,
  });
  /** A gauge that only rises, because the engine's is one. */
  readonly #degradedSearches = new Gauge({
    name: 'meilisearch_degraded_search_requests',
    help: 'Meilisearch number of degraded search requests',
    registers: this.#registers,
  });
  readonly #nodeMoves = new Counter({
    name: 'miroir_node_health_transitions_total',
    help: 'How often a node went out, came back, or was found to be another, as this pod saw it',
    labelNames: ['node', 'to', 'reason'],
    registers: this.#registers,
  });
  readonly #aliases = new Counter({
    name: 'miroir_alias_resolutions_total',
    help: 'Requests to this pod that named an alias, by the method of the request',
    labelNames: ['alias', 'method'],
    registers: this.#registers,
  });
  readonly #hedges = new Counter({
    name: 'miroir_hedges_total',
    help: 'Parts of reads that this pod asked again because their node was slow, or could not, by what came of it',
    labelNames: ['outcome'],
    registers: this.#registers,
  });
  readonly #joins = new Counter({
    name: 'miroir_coalesced_searches_total',
    help: 'Searches of this pod that joined an equal one under way',
    registers: this.#registers,
  });
  readonly #gauges = new Map<string, Gauge>();

  /** `route` is the pattern of the route, never the path: names of indexes would have no bound. */
  request(method: string, route: string, outcome: { status: number; seconds: number }): void {
    const { status, seconds } = outcome;
    this.figures.add(route, outcome);
    const path = route.replace(/:(\w+)/g, '{$1}');
    this.#requests.inc({ method, route: path, status });
    this.#seconds.observe({ method, route: path }, seconds);
    if (path.startsWith('/_miroir')) return;
    const engine = enginePath(path);
    this.#engineRequests.inc({ method, path: engine, status });
    this.#engineSeconds.observe({ method, path: engine }, seconds);
  }

  searchBegan(): void {
    this.#searchesRunning.inc();
  }

  searchEnded(): void {
    this.#searchesRunning.dec();
  }

  /** A node of it ran into `searchCutoffMs`. */
  searchDegraded(): void {
    this.#degradedSearches.inc();
  }

  /** Only for an alias that there is: names that clients make up would have no bound. */
  aliasNamed(alias: string, method: string): void {
    this.#aliases.inc({ alias, method });
  }

  /** `outcome`: the status of the task as it was stored, or the code of the error. */
  write(type: string, outcome: string): void {
    this.#writes.inc({ type, outcome });
  }

  /** `reason`: the code of the last failure, or why the node is new. */
  nodeMoved(node: string, to: string, reason: string | null): void {
    this.#nodeMoves.inc({ node, to, reason: reason ?? '' });
  }

  hedged(outcome: string): void {
    this.#hedges.inc({ outcome });
  }

  joined(): void {
    this.#joins.inc();
  }

  /** Sets one gauge to these values and forgets those it had. */
  gauge(
    name: string,
    help: string,
    values: readonly {
      readonly labels?: Record<string, string | number>;
      readonly value: number;
    }[],
  ): void {
    const labelNames = Object.keys(values[0]?.labels ?? {});
    let gauge = this.#gauges.get(name);
    if (gauge === undefined) {
      if (values.length === 0) return;
      gauge = new Gauge({ name, help, labelNames, registers: this.#registers });
      this.#gauges.set(name, gauge);
    }
    gauge.reset();
    for (const { labels, value } of values) gauge.set(labels ?? {}, value);
  }
}
