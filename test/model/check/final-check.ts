import { digestDocument } from '../../../core/digest';
import type { Fleet, IndexEntry, JsonValue } from '../../../core/fleet';
import { shardOfId } from '../../../core/hash';
import type { CheckedFleet, CheckedNode } from './checked-fleet';
import type { RunLog } from './log';
import { isFinal } from './log';
import { contentOf, effectOf, orderedWrites, possibleContents, touches } from './expected';

type Stored = Readonly<Record<string, JsonValue>>;

/** What must hold when everything is quiet and repaired. Each violation in a sentence. */
export async function finalFaults(fleet: CheckedFleet, log: RunLog): Promise<string[]> {
  const now = await fleet.load();
  const faults = [...taskFaults(log), ...(await podFaults(fleet, now))];
  for (const entry of now.indexes) {
    const copies = await readCopies(fleet, now, entry);
    faults.push(...stateFaults(entry), ...copyFaults(entry, copies));
    faults.push(...contentFaults(log, entry, copies), ...placeFaults(log, entry, copies));
    faults.push(...(await orderFaults(fleet, entry)));
  }
  return faults;
}

/** Node id → its documents of one index, by id. */
type Copies = ReadonlyMap<string, ReadonlyMap<string, Stored>>;

async function documentsOn(node: CheckedNode, uid: string): Promise<Map<string, Stored>> {
  const answer = (await node.ask('POST', `/indexes/${uid}/documents/fetch`, {
    limit: 100_000,
  })) as {
    results?: Stored[];
  };
  return new Map((answer.results ?? []).map((stored) => [String(stored['id']), stored]));
}

async function readCopies(fleet: CheckedFleet, now: Fleet, entry: IndexEntry): Promise<Copies> {
  const members = new Set<string>(now.nodes.map(({ id }) => id));
  const copies = new Map<string, Map<string, Stored>>();
  for (const [id, node] of fleet.nodes) {
    const documents = await documentsOn(node, entry.physicalUid);
    if (members.has(id) || documents.size > 0) copies.set(id, documents);
  }
  return copies;
}

function ownersOf(entry: IndexEntry, shard: number): string[] {
  return entry.placement.flatMap(({ shards }) => (shards[shard] ?? []).map(({ node }) => node));
}

function stateFaults(entry: IndexEntry): string[] {
  return entry.placement.flatMap(({ shards }) =>
    shards.flatMap((row, shard) =>
      row
        .filter(({ state }) => state !== 'in-sync')
        .map(
          ({ node, state }) =>
            `shard ${String(shard)} of ${entry.uid} on ${node} is still ${state}`,
        ),
    ),
  );
}

/** Every copy of a document is the same, byte for byte, and nobody has one that is not its own. */
function copyFaults(entry: IndexEntry, copies: Copies): string[] {
  const faults: string[] = [];
  const ids = new Set([...copies.values()].flatMap((documents) => [...documents.keys()]));
  for (const id of ids) {
    const owners = ownersOf(entry, shardOfId(id, entry.shardCount));
    const digests = new Set(
      owners.map((node) => {
        const stored = copies.get(node)?.get(id);
        return stored === undefined
          ? 'missing'
          : digestDocument(Buffer.from(JSON.stringify(stored)));
      }),
    );
    if (digests.size > 1) {
      faults.push(
        `copies of ${id} of ${entry.uid} differ on ${owners.join(', ')}: ${[...digests].join(' | ')}`,
      );
    }
    for (const [node, documents] of copies) {
      if (documents.has(id) && !owners.includes(node)) {
        faults.push(`${node} has ${id} of ${entry.uid} and does not own it`);
      }
    }
  }
  return faults;
}

/** No acknowledged write lost, no acknowledged delete back. */
function contentFaults(log: RunLog, entry: IndexEntry, copies: Copies): string[] {
  const writes = orderedWrites(log, entry.physicalUid);
  const ids = new Set([...copies.values()].flatMap((documents) => [...documents.keys()]));
  for (const { write } of writes) {
    if (write.spec.kind === 'add') for (const { id } of write.spec.documents) ids.add(id);
  }
  const faults: string[] = [];
  for (const id of ids) {
    const [owner = ''] = ownersOf(entry, shardOfId(id, entry.shardCount));
    const stored = copies.get(owner)?.get(id);
    const found = stored === undefined ? null : contentOf(stored);
    const possible = possibleContents(writes, id);
    if (!possible.has(found)) {
      const last = writes.filter(({ write }) => touches(write.spec, id)).at(-1);
      faults.push(
        `${id} of ${entry.uid} is ${String(found)}, not ${[...possible].join(' or ')} (last by task ${String(last?.task.uid)})`,
      );
    }
  }
  return faults;
}

/**
 * Documents that were added once and never deleted stand in the order of their tasks: that is the order
 * of equal hits in one Meilisearch.
 */
function placeFaults(log: RunLog, entry: IndexEntry, copies: Copies): string[] {
  const writes = orderedWrites(log, entry.physicalUid);
  const sure = writes.every(({ task }) => effectOf(task) !== 'unsure');
  if (!sure || writes.some(({ write }) => write.spec.kind.startsWith('delete'))) return [];
  const order: string[] = [];
  for (const { write, task } of writes) {
    if (write.spec.kind !== 'add' || effectOf(task) !== 'applied') continue;
    for (const { id } of write.spec.documents) if (!order.includes(id)) order.push(id);
  }
  const places = order.map((id) => {
    const [owner = ''] = ownersOf(entry, shardOfId(id, entry.shardCount));
    return String(copies.get(owner)?.get(id)?.['_miroir_seq'] ?? '');
  });
  const sorted = [...places].sort();
  return places.every((place, at) => place === sorted[at])
    ? []
    : [`documents of ${entry.uid} are not in the order of their writes`];
}

/** Each client task ends, once; and what a client was told of it is so. */
function taskFaults(log: RunLog): string[] {
  const faults: string[] = [];
  for (const task of log.tasks.values()) {
    if (!isFinal(task)) faults.push(`task ${String(task.uid)} is still ${task.status}`);
    if (task.finals.length > 1) {
      faults.push(`task ${String(task.uid)} ended more than once: ${task.finals.join(' then ')}`);
    }
  }
  for (const write of log.writes) {
    const task = log.taskOf(write);
    const acknowledged = write.answeredAt !== null && write.error === null;
    if (acknowledged && write.spec.kind !== 'alias') {
      if (task === null) faults.push(`${write.id} was acknowledged and has no task`);
      else if (task.errorCode === 'miroir_interrupted') {
        faults.push(`${write.id} was acknowledged and task ${String(task.uid)} is interrupted`);
      }
    }
    const nothing = write.message?.includes('othing was written') === true;
    if (nothing && task !== null && task.status === 'succeeded') {
      faults.push(
        `${write.id} was told that nothing was written, and task ${String(task.uid)} succeeded`,
      );
    }
  }
  return [...faults, ...turnFaults(log)];
}

/** Whoever was answered before another one asked comes before it. */
function turnFaults(log: RunLog): string[] {
  const known = log.writes.flatMap((write) => {
    const task = log.taskOf(write);
    return task === null ? [] : [{ write, task }];
  });
  return known.flatMap(({ write: first, task }) =>
    known
      .filter(
        (later) =>
          first.answeredAt !== null &&
          first.error === null &&
          later.write.submittedAt > first.answeredAt &&
          later.task.uid < task.uid,
      )
      .map(
        (later) =>
          `task ${String(task.uid)} was acknowledged before task ${String(later.task.uid)} was asked for`,
      ),
  );
}

async function podFaults(fleet: CheckedFleet, now: Fleet): Promise<string[]> {
  const pods = await fleet.pods();
  return pods
    .filter(({ epoch }) => epoch !== now.epoch)
    .map(({ name, epoch }) => `${name} is at epoch ${String(epoch)}, not ${String(now.epoch)}`);
}

/** The writes that every replica got are in one order on all nodes. */
async function orderFaults(fleet: CheckedFleet, entry: IndexEntry): Promise<string[]> {
  const orders: { node: string; tasks: number[] }[] = [];
  for (const node of fleet.nodes.values()) {
    const page = (await node.ask(
      'GET',
      `/tasks?indexUids=${entry.physicalUid}&limit=10000`,
    )) as unknown as {
      results: { uid: number; customMetadata?: string; status: string }[];
    };
    const writes = page.results.filter(
      ({ customMetadata, status }) => status === 'succeeded' && /^m\d+$/.test(customMetadata ?? ''),
    );
    orders.push({
      node: node.id,
      tasks: writes.reverse().map((one) => Number(one.customMetadata?.slice(1))),
    });
  }
  return orders.flatMap(({ node, tasks }) => {
    const inverted = tasks.findIndex((task, at) => at > 0 && task < (tasks[at - 1] ?? 0));
    // A replica that shows another order must have been found stale and filled again since.
    return inverted < 0
      ? []
      : [`${node} took task ${String(tasks[inverted])} of ${entry.uid} after a later one`];
  });
}
