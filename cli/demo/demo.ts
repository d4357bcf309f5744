import type { RunningFleet } from '../../local/fleet';
import { startFleet } from '../../local/fleet';
import { ApiClient } from '../client';
import type { Screen } from '../ui';
import { showCanary } from './canary';
import { growFleet } from './grow';
import { loadIndex } from './load';
import { rollLogs } from './rollover';
import { showRanking, showSearches } from './search';
import type { DemoContext } from './step';

/** Shorter than in production, so that the demo shows every phase in seconds. */
const demoSettings: Readonly<Record<string, string>> = {
  MIROIR_REQUEST_DEADLINE_MS: '4000',
  MIROIR_NODE_DEADLINE_MS: '3000',
  MIROIR_FENCE_MAX_MS: '2000',
  MIROIR_SYNC_GRACE_MS: '1000',
  MIROIR_WORKER_STICKY_MS: '1000',
};

/**
 * The whole of Miroir in a few minutes, on parts that run on this machine. Returns whether everything
 * that the summary claims was seen. `keep` is awaited before the parts are stopped; `onStarted` gets
 * them as soon as there is something to stop.
 */
export async function runDemo(
  screen: Screen,
  keep: ((fleet: RunningFleet) => Promise<void>) | null,
  onStarted: (fleet: RunningFleet) => void,
): Promise<boolean> {
  const begun = performance.now();
  screen.heading('Miroir: a fleet of three nodes, two copies of each shard');
  const fleet = await startFleet({
    nodes: 3,
    spareNodes: 1,
    replicationFactor: 2,
    settings: demoSettings,
    onProgress: (line) => screen.line(`  ${line}`),
  });
  onStarted(fleet);
  try {
    const demo: DemoContext = {
      api: new ApiClient(fleet),
      screen,
      temporalUi: fleet.temporalUi ?? '',
      figures: [],
    };
    showParts(screen, fleet);
    const films = await loadIndex(demo);
    await showSearches(demo);
    await showRanking(demo);
    await growFleet(demo, fleet, films);
    await rollLogs(demo);
    await showCanary(demo);
    const ok = summarise(demo, (performance.now() - begun) / 1000);
    if (keep !== null) await keep(fleet);
    return ok;
  } finally {
    await fleet.close();
  }
}

function showParts(screen: Screen, fleet: RunningFleet): void {
  screen.table(
    ['part', 'where', 'how it was found'],
    [
      ['api', fleet.api, 'started here'],
      ['redis', fleet.redis, fleet.sources['redis'] ?? ''],
      ['temporal', fleet.temporal, fleet.sources['temporal'] ?? ''],
      ['temporal ui', fleet.temporalUi ?? 'unknown', ''],
      ...fleet.nodes().map((node) => [node.id, node.url, fleet.engine]),
    ],
  );
}

function summarise(demo: DemoContext, seconds: number): boolean {
  const { screen, figures } = demo;
  screen.heading('Summary');
  screen.table(
    ['', 'what', 'figure'],
    figures.map(({ what, figure, ok }) => [ok ? 'ok' : 'NOT OK', what, figure]),
  );
  screen.line(`\n  ${Math.round(seconds)} s in all.`);
  return figures.every((figure) => figure.ok);
}
