import type { NodeTaskUid } from '../../core/ids';
import type { LevelCursor, LevelRequest, LevelResult, MigratedIndex } from '../../core/migration';
import { isNodeError } from '../../meili/node-error';
import { createPace } from '../sync/pace';
import type { Pace } from '../sync/pace';
import { readDocuments } from '../sync/read-documents';
import type { ReadDocument } from '../sync/read-documents';
import { refuse } from '../errors';
import { stopIfCancelled } from '../tools';
import type { ActivityTools, Call } from '../tools';
import { fleetTask, named, withInstances } from './instances';
import type { Instances } from './instances';
import { levelSettings } from './settings';

const start: LevelCursor = { offset: 0, compared: 0, sent: 0, deleted: 0 };
/** So many writes may wait in the fleet before the next page is read. */
const openTasksMax = 4;
const comma = new Uint8Array([0x2c]);
const brackets = [new Uint8Array([0x5b]), new Uint8Array([0x5d])] as const;

interface Levelling {
  readonly tools: ActivityTools;
  readonly call: Call;
  readonly instances: Instances;
  readonly index: MigratedIndex;
  readonly primaryKey: string;
  readonly write: boolean;
  /** Writes that are under way, and how far the look had come with each. */
  readonly open: { readonly uid: NodeTaskUid; readonly after: LevelCursor }[];
}

function isCursor(value: unknown): value is LevelCursor {
  return typeof value === 'object' && value !== null && 'offset' in value && 'compared' in value;
}

/** The further of the workflow's cursor and the heartbeat of the attempt before this one. */
function startAt(call: Call, given: LevelCursor | null): LevelCursor {
  const beaten = call.resumed();
  const cursor = given ?? start;
  return isCursor(beaten) && beaten.offset > cursor.offset ? beaten : cursor;
}

/**
 * One look at one index: every document of the old instance is compared with the fleet's, page by page
 * in the order in which it lists them, and what differs is written through the api (vectors and their
 * `regenerate` included); then what the fleet has too much is deleted. While the old instance takes writes
 * its pages shift, so a look may miss some; only one that began and ended with the same newest
 * write says that both are equal.
 */
export async function levelIndex(
  tools: ActivityTools,
  request: LevelRequest,
  call: Call,
): Promise<LevelResult> {
  const { source, index, write } = request;
  return withInstances(tools, source, async (instances) => {
    const found = await instances.old.getIndex(named(index.uid), { signal: call.signal });
    if (found === null) {
      throw refuse('source-changed', `The old instance has no index ${index.uid} any more.`);
    }
    const settings = write
      ? await levelSettings(instances, { index, known: request.settings }, call)
      : (request.settings ?? '');
    const cursor = startAt(call, request.cursor);
    // Without a primary key it has no documents; so has the fleet.
    const { primaryKey } = found;
    if (primaryKey === null) return { outcome: 'done', cursor, settings };
    const levelling = { tools, call, instances, index, primaryKey, write, open: [] };
    const pace = createPace(tools, call, request.runKey);
    const forward = await goForward(levelling, cursor, pace);
    if (forward.outcome === 'paused') return { ...forward, settings };
    const deleted = await dropExtra(levelling);
    const last = { ...forward.cursor, deleted: forward.cursor.deleted + deleted };
    return { outcome: 'done', cursor: last, settings };
  });
}

async function goForward(
  levelling: Levelling,
  from: LevelCursor,
  pace: Pace,
): Promise<Pick<LevelResult, 'outcome' | 'cursor'>> {
  const { call, tools } = levelling;
  let cursor = from;
  let limit = tools.config.rangeDocumentsMax;
  for (;;) {
    stopIfCancelled(call);
    const page = await readPage(levelling, cursor.offset, limit).catch((error: unknown) => {
      // A page of huge documents is larger than an answer may be.
      if (!isNodeError(error) || error.code !== 'node_answer_invalid' || limit <= 1) throw error;
      return null;
    });
    if (page === null) {
      limit = Math.max(1, Math.floor(limit / 4));
      continue;
    }
    if (page.length === 0) break;
    const differing = await differingOf(levelling, page);
    cursor = {
      ...cursor,
      offset: cursor.offset + page.length,
      compared: cursor.compared + page.length,
      sent: cursor.sent + differing.length,
    };
    if (levelling.write && differing.length > 0) await send(levelling, differing, cursor);
    // A heartbeat says what is done: what was sent must be in first, see `drain`.
    else if (levelling.open.length === 0) call.beat(cursor);
    if (!(await pace.after(page.length, cursor.sent))) {
      await drain(levelling, 0);
      return { outcome: 'paused', cursor };
    }
  }
  await drain(levelling, 0);
  call.beat(cursor);
  return { outcome: 'done', cursor };
}

async function readPage(
  { instances, index, primaryKey, call, tools }: Levelling,
  offset: number,
  limit: number,
): Promise<ReadDocument[]> {
  const { documents } = await readDocuments(
    { client: instances.old, physicalUid: named(index.uid) },
    {
      ...{ primaryKey, offset, limit, signal: call.signal },
      deadlineMs: tools.config.nodeDeadlineMs,
    },
  );
  return [...documents.values()];
}

async function differingOf(
  { instances, index, primaryKey, call, tools }: Levelling,
  page: readonly ReadDocument[],
): Promise<ReadDocument[]> {
  const side = { client: instances.fleet, physicalUid: named(index.staging) };
  const mine = await readDocuments(side, {
    ...{ primaryKey, ids: page.map(({ id }) => id), limit: page.length, signal: call.signal },
    deadlineMs: tools.config.nodeDeadlineMs,
  });
  return page.filter(({ id, digest }) => mine.documents.get(id)?.digest !== digest);
}

async function send(
  levelling: Levelling,
  documents: readonly ReadDocument[],
  after: LevelCursor,
): Promise<void> {
  const { instances, index, primaryKey, call, open } = levelling;
  const parts = documents.flatMap(({ bytes }, at) => (at === 0 ? [bytes] : [comma, bytes]));
  const payload = Buffer.concat([brackets[0], ...parts, brackets[1]]);
  const options = { primaryKey, signal: call.signal };
  const uid = await instances.fleet.addDocuments(named(index.staging), 'POST', payload, options);
  open.push({ uid, after });
  await drain(levelling, openTasksMax);
}

/** Waits until at most so many writes are open. */
async function drain({ instances, call, open }: Levelling, most: number): Promise<void> {
  for (let [first] = open; first !== undefined && open.length > most; [first] = open) {
    await fleetTask(instances, first.uid, call);
    open.shift();
    call.beat(first.after);
  }
}

/** Deletes, or only counts, what the fleet has and the old instance has not. */
async function dropExtra(levelling: Levelling): Promise<number> {
  const { instances, index, call, write } = levelling;
  const total = async (client: Instances['old'], uid: string): Promise<number> => {
    const { bytes } = await client.fetchDocuments(
      named(uid),
      { limit: 0 },
      { signal: call.signal },
    );
    return (JSON.parse(bytes.toString('utf8')) as { total: number }).total;
  };
  const had = await total(instances.old, index.uid);
  const has = await total(instances.fleet, index.staging);
  // Everything that the old one lists is there; with equal counts there is nothing else.
  if (had === has && !write) return 0;
  let deleted = 0;
  for (let offset = 0; ;) {
    stopIfCancelled(call);
    const ids = await idsAt(levelling, offset);
    if (ids.length === 0) return deleted;
    const extra = await missingOf(levelling, ids);
    if (extra.length > 0 && write) {
      const staging = named(index.staging);
      const uid = await instances.fleet.deleteDocuments(staging, extra, { signal: call.signal });
      await fleetTask(instances, uid, call);
    }
    deleted += extra.length;
    offset += ids.length - (write ? extra.length : 0);
  }
}

async function idsAt(levelling: Levelling, offset: number): Promise<string[]> {
  const { instances, index, tools } = levelling;
  const body = { offset, limit: tools.config.rangeDocumentsMax };
  return idsOf(levelling, instances.fleet, { uid: index.staging, body });
}

async function missingOf(levelling: Levelling, ids: readonly string[]): Promise<string[]> {
  const { instances, index } = levelling;
  const body = { ids: [...ids], limit: ids.length };
  const present = new Set(await idsOf(levelling, instances.old, { uid: index.uid, body }));
  return ids.filter((id) => !present.has(id));
}

async function idsOf(
  { primaryKey, call, tools }: Levelling,
  client: Instances['old'],
  { uid, body }: { readonly uid: string; readonly body: object },
): Promise<string[]> {
  const side = { client, physicalUid: named(uid) };
  const { documents } = await readDocuments(side, {
    ...{ primaryKey, fields: [primaryKey], signal: call.signal, limit: 0, ...body },
    deadlineMs: tools.config.nodeDeadlineMs,
  });
  return [...documents.keys()];
}
