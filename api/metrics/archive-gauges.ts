import type { JobView, RestoreDrill } from '../../store/record-types';
import type { ApiContext } from '../context';

const jobsMax = 1_000;

const seconds = (at: string | undefined): number => Math.floor(Date.parse(at ?? '') / 1_000);

/** Operations that are not over, and how fresh and how proven the backups are. */
export async function setArchiveGauges({ metrics, store }: ApiContext): Promise<void> {
  const jobs = await store.jobs.list({ limit: jobsMax });
  metrics.gauge('miroir_operations', 'Operations that are not over', openByKind(jobs));
  const [backup] = jobs
    .filter(({ kind, status }) => kind === 'backup' && status === 'succeeded')
    .map(({ finishedAt }) => seconds(finishedAt))
    .sort((a, b) => b - a);
  metrics.gauge(
    'miroir_backup_timestamp_seconds',
    'When the newest backup was complete',
    backup === undefined ? [] : [{ value: backup }],
  );
  const [drill] = (await store.restoreDrills.list()).sort((a, b) => (a.at < b.at ? 1 : -1));
  metrics.gauge(
    'miroir_restore_drill_timestamp_seconds',
    'When the newest restore drill ended',
    ofDrill(drill, ({ at }) => seconds(at)),
  );
  metrics.gauge(
    'miroir_restore_drill_ok',
    'Whether the newest restore drill found the backup to hold',
    ofDrill(drill, ({ ok }) => (ok ? 1 : 0)),
  );
}

const ofDrill = (
  drill: RestoreDrill | undefined,
  value: (drill: RestoreDrill) => number,
): { value: number }[] => (drill === undefined ? [] : [{ value: value(drill) }]);

function openByKind(
  jobs: readonly JobView[],
): { labels: { kind: string; status: string }; value: number }[] {
  const counts = new Map<string, number>();
  for (const { kind, status, finishedAt } of jobs) {
    if (finishedAt !== undefined) continue;
    const key = `${kind} ${status}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, value]) => {
    const [kind = '', status = ''] = key.split(' ');
    return { labels: { kind, status }, value };
  });
}
