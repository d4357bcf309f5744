import type { NodeTaskUid } from '../../core/ids';
import { isNodeError } from '../../meili/node-error';
import type { NodeTask } from '../../meili/types';
import { isDiskFull, refuse, tryAgain } from '../errors';
import { newestTask, taskByMetadata, workedOff } from '../node-queue';
import type { ReadDocument } from './read-documents';
import { assertCurrent } from './session';
import type { Session } from './session';

/** Larger payloads are split: a node takes 100 MB by default, and shares its memory with searches. */
const payloadBytesMax = 20_000_000;
const deleteIdsMax = 10_000;
/**
 * How much of ours may wait at the target. The engine makes one batch of what waits, so many small ranges must not
 * wait for one another; more documents than this would only make its queue deep.
 */
const tasksAheadMax = 64;
const rangesAheadMax = 4;

export interface Sender {
  /** `until`: when the span that began with reading these documents is over, milliseconds since 1970. */
  upsert(documents: readonly ReadDocument[], primaryKey: string, until: number): Promise<void>;
  remove(ids: readonly string[], until: number): Promise<void>;
  /** Waits until the target has worked off all that was sent; a task that failed is a failure here. */
  drain(): Promise<void>;
  /** Documents sent or deleted so far. */
  sent(): number;
}

const open = 0x5b;
const comma = 0x2c;
const close = 0x5d;

function payloadOf(documents: readonly ReadDocument[]): Uint8Array {
  const size = documents.reduce((sum, { bytes }) => sum + bytes.length + 1, 1);
  const payload = new Uint8Array(Math.max(size, 2));
  let at = 0;
  for (const { bytes } of documents) {
    payload[at] = at === 0 ? open : comma;
    payload.set(bytes, at + 1);
    at += bytes.length + 1;
  }
  payload[at] = close;
  return payload;
}

function* payloads(documents: readonly ReadDocument[]): Generator<readonly ReadDocument[]> {
  let chunk: ReadDocument[] = [];
  let size = 0;
  for (const document of documents) {
    if (chunk.length > 0 && size + document.bytes.length > payloadBytesMax) {
      yield chunk;
      chunk = [];
      size = 0;
    }
    chunk.push(document);
    size += document.bytes.length;
  }
  if (chunk.length > 0) yield chunk;
}

type Send = (options: { deadlineMs: number; customMetadata: string }) => Promise<NodeTaskUid>;

/** Sends copies to the target, each as a task that carries the run, the attempt and a number. */
export function createSender(session: Session): Sender {
  const { tools, ref, call, number, target } = session;
  const tasks: { readonly uid: NodeTaskUid; readonly documents: number }[] = [];
  const documentsAheadMax = rangesAheadMax * tools.config.rangeDocumentsMax;
  let counter = 0;
  let sent = 0;

  const finish = async (uid: NodeTaskUid): Promise<void> => {
    await workedOff(target, uid, { clock: tools.clock, call });
    refuseFailed(await target.client.task(uid));
  };
  const isFull = (): boolean =>
    tasks.length >= tasksAheadMax ||
    tasks.reduce((sum, { documents }) => sum + documents, 0) >= documentsAheadMax;
  const enqueue = async (send: Send, documents: number, until: number): Promise<void> => {
    while (isFull()) {
      const [first] = tasks;
      if (first !== undefined) await finish(first.uid);
      tasks.shift();
    }
    counter += 1;
    const metadata = `sync:${call.runId}:${String(number)}:${String(counter)}`;
    const newest = await newestTask(target, call.signal);
    await assertCurrent(session);
    // Checked last, right before sending: whoever takes over waits for as long as a span may last.
    const deadlineMs = until - tools.clock.now();
    if (deadlineMs <= 0) throw tryAgain('span-over', 'Reading took too long; it is read again.');
    const uid = await sendOnce(session, { send, deadlineMs, metadata, newest });
    tasks.push({ uid, documents });
  };

  return {
    sent: () => sent,
    async upsert(documents, primaryKey, until) {
      for (const chunk of payloads(documents)) {
        const payload = payloadOf(chunk);
        await enqueue(
          (options) =>
            target.client.addDocuments(ref.physicalUid, 'POST', payload, {
              primaryKey,
              ...options,
            }),
          chunk.length,
          until,
        );
        sent += chunk.length;
      }
    },
    async remove(ids, until) {
      for (let at = 0; at < ids.length; at += deleteIdsMax) {
        const chunk = ids.slice(at, at + deleteIdsMax);
        await enqueue(
          (options) => target.client.deleteDocuments(ref.physicalUid, chunk, options),
          chunk.length,
          until,
        );
        sent += chunk.length;
      }
    },
    async drain() {
      for (const { uid } of tasks.splice(0)) await finish(uid);
    },
  };
}

interface OneSend {
  readonly send: Send;
  readonly deadlineMs: number;
  readonly metadata: string;
  /** The newest task before sending: ours is newer. */
  readonly newest: NodeTaskUid | null;
}

/**
 * A lost answer does not say whether the node took the request. After the span in which it could still
 * be admitted, the node's task list says so: the task is adopted, or the range is done again.
 */
async function sendOnce(session: Session, one: OneSend): Promise<NodeTaskUid> {
  const { tools, call, target } = session;
  try {
    return await one.send({ deadlineMs: one.deadlineMs, customMetadata: one.metadata });
  } catch (error) {
    if (!isNodeError(error) || !error.outcomeUnknown) throw error;
    await tools.clock.sleep(tools.config.nodeDeadlineMs, call.signal);
    const made = await taskByMetadata(target, one.metadata, one.newest);
    if (made !== null) return made.uid;
    throw tryAgain('send-lost', 'A copy did not arrive at the target; its range is done again.');
  }
}

function refuseFailed(task: NodeTask | null): void {
  if (task === null || task.status === 'succeeded') return;
  const code = task.error?.code ?? task.status;
  const message = `The target's task ${String(task.uid)} is ${task.status}: ${task.error?.message ?? 'no reason given'}`;
  if (isDiskFull(code)) throw refuse('disk-full', message);
  if (task.status === 'canceled') throw tryAgain('task-canceled', message);
  throw refuse('copy-refused', message);
}
