import { chooseExported } from '../../core/export/choose';
import type {
  ExportChoice,
  ExportOrder,
  ExportRequest,
  ExportTarget,
  ExportedIndex,
  SentIndex,
} from '../../core/export/types';
import type { FilterPart } from '../../core/filter/normalize';
import type { IndexEntry } from '../../core/fleet';
import { fleetTaskUid, shardId } from '../../core/ids';
import { sourceOf, withCollected } from '../archives/collect';
import { isRefusal, refuse } from '../errors';
import { createPace } from '../sync/pace';
import { clientOf, entryOf } from '../tools';
import type { ActivityTools, Call } from '../tools';
import { checkedFilter } from './filter';
import { withRemote } from './remote';
import type { Remote } from './remote';

const newline = Buffer.from('\n');

/**
 * Which indexes are sent, decided once. Every filter is checked before anything is sent, so an export
 * with a wrong one changes nothing at the other side.
 */
export async function planExport(
  tools: ActivityTools,
  { taskUid }: { readonly taskUid: number },
  call: Call,
): Promise<{ targets: readonly ExportTarget[] }> {
  const order = await orderOf(tools, taskUid);
  const chosen = chooseExported(await tools.store.fleet.load(), order.choices);
  if (!chosen.ok) throw refuse('export-refused', chosen.reason);
  for (const target of chosen.targets) {
    try {
      const entry = await entryOf(tools, target.physicalUid);
      await filterFor(tools, { entry, choice: choiceOf(order, target), name: target.uid }, call);
    } catch (error) {
      // Deleted since the list was read; it is left out when its turn comes.
      if (!isRefusal(error, 'index-gone')) throw error;
    }
  }
  return { targets: chosen.targets };
}

/** Whether the other side has the index: known before anything is sent, for every later attempt. */
export async function inspectRemote(
  tools: ActivityTools,
  { taskUid, target }: ExportRequest,
  call: Call,
): Promise<{ exists: boolean }> {
  const order = await orderOf(tools, taskUid);
  const work = async (remote: Remote): Promise<boolean> =>
    (await remote.getIndex(target.uid)) !== null;
  return { exists: await withRemote(tools, order, { call, work }) };
}

/**
 * Sends one index whole: the index and its settings where it is new there or they are to be replaced,
 * then the documents in the order of insertion. A second attempt sends all of it again, which changes
 * nothing there: documents replace themselves. Null: the index was deleted meanwhile.
 */
export async function exportIndex(
  tools: ActivityTools,
  request: ExportRequest & {
    readonly exists: boolean;
    readonly before: number;
    readonly runKey: string;
  },
  call: Call,
): Promise<ExportedIndex> {
  const { taskUid, target, exists, before, runKey } = request;
  const { physicalUid, uid, pattern } = target;
  const order = await orderOf(tools, taskUid);
  const choice = choiceOf(order, target);
  const pace = createPace(tools, call, runKey);
  try {
    const entry = await entryOf(tools, physicalUid);
    const filter = await filterFor(tools, { entry, choice, name: uid }, call);
    const work = async (remote: Remote): Promise<ExportedIndex> => {
      await sendIndex(remote, { entry, uid, exists, override: choice.overrideSettings });
      const collecting = { tools, physicalUid, call, pace, before, filter };
      return await withCollected(collecting, async ({ documents, inOrder }) => {
        for await (const lines of payloads(inOrder, order.payloadBytes)) {
          await remote.sendDocuments(uid, lines);
        }
        return { uid, pattern, documents };
      });
    };
    return await withRemote(tools, order, { call, work });
  } catch (error) {
    if (isRefusal(error, 'index-gone')) return null;
    throw error;
  }
}

/** The task says of each index what was sent, in the place of what was asked for. */
export async function noteExported(
  tools: ActivityTools,
  { taskUid, sent }: { readonly taskUid: number; readonly sent: readonly SentIndex[] },
): Promise<void> {
  const task = await tools.store.tasks.get(fleetTaskUid(taskUid));
  if (task === null || task.finishedAt !== null) return;
  const order = await orderOf(tools, taskUid);
  const indexes = sent.map(({ uid, pattern, documents }) => {
    const { filter, overrideSettings } = choiceOf(order, { pattern });
    // The engine writes this one member so.
    return [uid, { filter, overrideSettings, matched_documents: documents }] as const;
  });
  const details = { ...task.details, indexes: Object.fromEntries(indexes) };
  await tools.store.tasks.save({ ...task, details });
}

async function orderOf({ store }: ActivityTools, taskUid: number): Promise<ExportOrder> {
  const task = await store.tasks.get(fleetTaskUid(taskUid));
  const order = task?.extra['run'];
  if (order === undefined) throw refuse('export-refused', 'The task of this export is over.');
  return order as unknown as ExportOrder;
}

function choiceOf(
  { choices }: ExportOrder,
  { pattern }: Pick<ExportTarget, 'pattern'>,
): ExportChoice {
  const choice = choices.find((one) => one.pattern === pattern);
  if (choice === undefined) throw refuse('export-refused', `Nobody asked for \`${pattern}\`.`);
  return choice;
}

async function filterFor(
  tools: ActivityTools,
  of: {
    readonly entry: IndexEntry;
    readonly choice: ExportChoice;
    readonly name: ExportTarget['uid'];
  },
  call: Call,
): Promise<readonly FilterPart[]> {
  const { entry, choice, name } = of;
  const { physicalUid } = entry;
  const client = await clientOf(tools, await sourceOf(tools, entry, shardId(0)));
  // Errors speak of the name that the client chose, which may be an alias.
  const named = { ...entry, uid: name };
  return await checkedFilter(named, choice.filter, { side: { client, physicalUid }, call });
}

async function sendIndex(
  remote: Remote,
  index: {
    readonly entry: IndexEntry;
    readonly uid: string;
    readonly exists: boolean;
    readonly override: boolean;
  },
): Promise<void> {
  const { entry, uid, exists, override } = index;
  const { primaryKey, settings } = entry;
  const path = `/indexes/${encodeURIComponent(uid)}`;
  if (!exists) await remote.send('POST', '/indexes', { uid, primaryKey });
  else if (override) await remote.send('PATCH', path, { primaryKey });
  if (!exists || override) await remote.send('PATCH', `${path}/settings`, settings);
}

/** Lines of about so many bytes each time; a larger document goes alone. */
async function* payloads(
  documents: AsyncIterable<Uint8Array>,
  bytesMax: number,
): AsyncGenerator<Buffer> {
  let lines: Uint8Array[] = [];
  let size = 0;
  for await (const document of documents) {
    if (size > 0 && size + document.length > bytesMax) {
      yield Buffer.concat(lines);
      lines = [];
      size = 0;
    }
    lines.push(document, newline);
    size += document.length + newline.length;
  }
  if (size > 0) yield Buffer.concat(lines);
}
