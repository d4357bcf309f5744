import type { DemoContext } from './step';
import { poll } from '../poll';
import { record } from './step';

interface Run {
  readonly at: number;
  readonly ok: boolean;
  readonly failures: readonly string[];
  readonly latencyMs: number;
}

interface Answer {
  readonly hits: readonly { readonly id: number; readonly title: string }[];
}

const scheduleMs = 3_600_000;

/** A golden query is green; after a bad synonym it is red and says what it saw; then it is green again. */
export async function showCanary(demo: DemoContext): Promise<void> {
  const { api, screen } = demo;
  screen.heading('6. A canary notices a bad synonym');
  const query = { q: 'the godfather', limit: 5 };
  const before = await api.post<Answer>('/indexes/films/search', query);
  const intruder = await api.post<Answer>('/indexes/films/search', { q: 'jaws', limit: 1 });
  const top = before.hits[0];
  const other = intruder.hits[0];
  if (top === undefined || other === undefined) throw new Error('The films are not searchable.');
  await api.put('/_miroir/canaries/godfather', {
    index: 'films',
    query: { q: 'godfather', limit: 20 },
    assertions: [
      { type: 'top_k_contains', k: 5, ids: [top.id] },
      { type: 'must_not_contain_id', ids: [other.id] },
      { type: 'min_hits', value: 2 },
    ],
    intervalMs: scheduleMs,
  });
  const green = await runOnce(demo);
  tell(demo, 'with good settings', green);
  await setSynonyms(demo, { godfather: ['jaws'] });
  const red = await runOnce(demo);
  tell(demo, 'after synonyms {godfather: [jaws]}', red);
  await setSynonyms(demo, {});
  const again = await runOnce(demo);
  tell(demo, 'after they were taken back', again);
  const colours = [green, red, again].map((run) => (run.ok ? 'green' : 'red')).join(', ');
  record(
    demo,
    'canary before, with, after the bad synonym',
    colours,
    colours === 'green, red, green',
  );
  screen.line();
}

async function setSynonyms(demo: DemoContext, synonyms: Record<string, string[]>): Promise<void> {
  const { taskUid } = await demo.api.put<{ taskUid: number }>(
    '/indexes/films/settings/synonyms',
    synonyms,
  );
  await demo.api.waitTask(taskUid);
}

/** Starts a run and waits for its record, which is newer than the newest one before. */
async function runOnce(demo: DemoContext): Promise<Run> {
  const runs = (): Promise<{ results: Run[] }> =>
    demo.api.get('/_miroir/canaries/godfather/runs?limit=1');
  const newest = (await runs()).results[0]?.at ?? 0;
  await demo.api.post('/_miroir/canaries/godfather/run');
  const after = await poll('the canary run', runs, ({ results }) => (results[0]?.at ?? 0) > newest);
  return after.results[0] as Run;
}

function tell(demo: DemoContext, when: string, run: Run): void {
  demo.screen.line(`  ${run.ok ? 'green' : 'RED  '} ${when} (${run.latencyMs.toFixed(0)} ms)`);
  for (const failure of run.failures) demo.screen.line(`        ${failure}`);
}
