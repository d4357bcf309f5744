import { canaryHeader, judgeCanary, parseAssertions } from '../core/canary';
import type { CanaryObservation } from '../core/canary';
import type { Fleet } from '../core/fleet';
import type { IndexUid } from '../core/ids';
import type { CanaryInput, CanaryReport, Verdict } from '../core/operations';
import { readHits } from '../core/search/read-hits';
import type { Canary, CanaryObserved } from '../store/record-types';
import { refuse } from './errors';
import type { ActivityTools, Call } from './tools';

/** The latencies of so many runs, this one included, make the p95. */
const latencyRuns = 20;
const searchDeadlineMs = 30_000;

/** A canary speaks for the index it names, and for the index behind the alias it names. */
function concerns({ aliases }: Fleet, canary: Canary, index: IndexUid): boolean {
  if (canary.index === index) return true;
  return aliases.some(({ name, targets }) => name === canary.index && targets.includes(index));
}

/** Red is what the last run of an enabled canary says. One that never ran has said nothing yet. */
export async function canariesAreGreen(
  { store }: ActivityTools,
  { index }: { readonly index: IndexUid },
): Promise<Verdict> {
  const fleet = await store.fleet.load();
  const red: string[] = [];
  for (const canary of await store.canaries.list()) {
    if (!canary.enabled || !concerns(fleet, canary, index)) continue;
    const [last] = await store.canaryRuns.list(canary.id, 1);
    if (last !== undefined && !last.ok)
      red.push(`${canary.id} (${last.failures[0] ?? 'no reason'})`);
  }
  if (red.length === 0) return { ok: true };
  return { ok: false, reason: `green canaries; red: ${red.join(', ')}` };
}

/** Makes the search, judges the answer and notes the run. What keeps it from being made is red, too. */
export async function runCanary(
  tools: ActivityTools,
  { canary: id }: CanaryInput,
  call: Call,
): Promise<CanaryReport> {
  const { store, clock } = tools;
  const canary = await store.canaries.get(id);
  if (canary === null) throw refuse('canary-unknown', `There is no canary ${id}.`);
  const parsed = parseAssertions(canary.assertions);
  const began = clock.now();
  const seen = await search(tools, canary, call);
  const latencyMs = clock.now() - began;
  const failures = !parsed.ok
    ? [parsed.message]
    : typeof seen === 'string'
      ? [seen]
      : judgeCanary(parsed.assertions, {
          ...seen,
          latenciesMs: [latencyMs, ...(await latencies(tools, id))],
        });
  const ok = failures.length === 0;
  const observed = typeof seen === 'string' ? null : observedOf(seen);
  await store.canaryRuns.add({
    ...{ canaryId: id, at: began, ok, failures, latencyMs },
    ...(observed === null ? {} : { observed }),
  });
  return { canary: id, ok, failures, latencyMs };
}

async function latencies({ store }: ActivityTools, id: string): Promise<number[]> {
  return (await store.canaryRuns.list(id, latencyRuns - 1)).map(({ latencyMs }) => latencyMs);
}

/** What a person wants to see beside what was expected; bounded, as a hundred runs are kept. */
const observedIdsMax = 20;

const observedOf = ({ ids, total, settingsVersion }: Seen): CanaryObserved => ({
  ids: ids.slice(0, observedIdsMax),
  total,
  settingsVersion,
});

type Seen = Omit<CanaryObservation, 'latenciesMs'>;

/** A text is the reason why there is no answer to judge. */
async function search(tools: ActivityTools, canary: Canary, call: Call): Promise<Seen | string> {
  const { searchApi, store } = tools;
  if (searchApi === null) return 'search: the worker was given no url of the api';
  const primaryKey = await primaryKeyOf(await store.fleet.load(), canary.index);
  if (primaryKey === null) return `search: ${canary.index} has no documents`;
  const path = `/indexes/${encodeURIComponent(canary.index)}/search`;
  try {
    const answer = await fetch(new URL(path, searchApi.url), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        [canaryHeader]: canary.id,
        ...(searchApi.key === null ? {} : { authorization: `Bearer ${searchApi.key}` }),
      },
      body: JSON.stringify(canary.query),
      signal: AbortSignal.any([call.signal, AbortSignal.timeout(searchDeadlineMs)]),
    });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (!answer.ok) return `search: answered with ${String(answer.status)}`;
    return { ...readHits(bytes, primaryKey), settingsVersion: versionOf(answer.headers) };
  } catch (error) {
    call.signal.throwIfAborted();
    return `search: ${error instanceof Error ? error.message : 'no answer'}`;
  }
}

function primaryKeyOf({ indexes, aliases }: Fleet, name: IndexUid): string | null {
  const uid = aliases.find((alias) => alias.name === name)?.targets[0] ?? name;
  return indexes.find((entry) => entry.uid === uid)?.primaryKey ?? null;
}

function versionOf(headers: Headers): number | null {
  const text = headers.get('x-miroir-settings-version');
  return text === null || !/^\d+$/.test(text) ? null : Number(text);
}
