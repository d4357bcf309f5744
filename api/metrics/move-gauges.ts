import type { ApiContext } from '../context';

/** Gauges of syncs, which run on workers; the same on every pod. */
export async function setMoveGauges({ metrics, store }: ApiContext): Promise<void> {
  const changes = await store.figures.sourceChanges();
  metrics.gauge(
    'miroir_sync_source_changes_total',
    'How often a sync went on from other copies, because its source was away or fell behind',
    changes.map(({ index, count }) => ({ labels: { index }, value: count })),
  );
}
