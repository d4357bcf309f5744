import type { SourcesFound } from '../../core/sync-losses';
import { refuse } from '../errors';
import { entryOf } from '../tools';
import type { ActivityTools, Call } from '../tools';
import type { SourcesRequest } from '../types';
import { presenceOf } from './away';
import { chooseSources, nodesOf } from './choose-sources';
import type { Looked } from './choose-sources';
import { makeMissedSources } from './missed-source';

const firstPauseMs = 100;
const lastPauseMs = 1_000;

/**
 * Waits until the sync can go on. A source that is in sync and does not answer has until `graceUntil` to come
 * back as the node that it was; one that missed a write, or came back as another, is not waited for. Then
 * each of its shards is read from another in-sync copy, one of its own group if there is one. The target,
 * which nothing replaces, and a last copy are waited for until `until`.
 * Throws `node-strange` when the target came back as another, and `index-gone`.
 *
 * What it found is told and kept under the name of this wait, so an attempt after one of which nobody heard
 * says the same: what has been lost since is another loss, with a wait and a time of its own.
 */
export async function awaitSources(
  tools: ActivityTools,
  request: SourcesRequest,
  call: Call,
): Promise<SourcesFound> {
  const { figures } = tools.store;
  const name = `${call.runId}/sources/${String(request.until)}`;
  const told = call.attempt > 1 ? await figures.told<SourcesFound>(name) : null;
  if (told !== null) return told;
  const begun = tools.clock.now();
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, lastPauseMs)) {
    const { found, why } = await look(tools, request, call);
    const now = tools.clock.now();
    if (found.ok) {
      return tell(tools, request, { name, found, why, waitedMs: now - begun });
    }
    call.beat({ waitsFor: found.reason });
    if (now >= request.until) return found;
    await tools.clock.sleep(Math.min(pauseMs, request.until - now), call.signal);
  }
}

async function look(
  tools: ActivityTools,
  { ref, graceUntil }: SourcesRequest,
  call: Call,
): Promise<Looked> {
  const entry = await entryOf(tools, ref.physicalUid);
  const present = await presenceOf(tools, nodesOf(entry, ref), call);
  if (present.get(ref.target) === 'strange') {
    throw refuse('node-strange', `${ref.target} is not the node that it was; rebuild it.`);
  }
  const looked = chooseSources(entry, ref, { present, now: tools.clock.now(), graceUntil });
  const { found } = looked;
  if (found.ok && found.changed) {
    await makeMissedSources(tools, { ref: { ...ref, feeds: found.feeds }, entry, call });
  }
  return looked;
}

/** An event of each operation that is concerned, and the count that the metrics show. */
async function tell(
  { store, clock, log }: ActivityTools,
  { ref, operations }: SourcesRequest,
  told: {
    readonly name: string;
    readonly found: Extract<SourcesFound, { ok: true }>;
    readonly why: string;
    readonly waitedMs: number;
  },
): Promise<SourcesFound> {
  const { feeds, changed } = told.found;
  const from = feeds.map(({ node, shards }) => `${node} (${String(shards.length)})`).join(', ');
  const pair = `${ref.index}, ${ref.source} → ${ref.target}`;
  const what = changed
    ? `${pair}: goes on from ${from}, all that is there is compared again`
    : `${pair}: goes on as before, the nodes are back`;
  const why = told.why === '' ? 'a node did not answer for a while' : told.why;
  log.warn({ operation: ref.runKey, what, why, waitedMs: told.waitedMs }, 'a sync outlived a node');
  return store.figures.tellOnce<SourcesFound>(told.name, {
    answer: told.found,
    operations,
    event: {
      ...{ at: clock.now(), who: 'sync', what, why },
      figures: { shards: ref.shards.length, waitedMs: told.waitedMs },
    },
    sourceChange: changed ? ref.index : null,
  });
}
