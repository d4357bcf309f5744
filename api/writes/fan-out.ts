import type { JsonValue } from '../../core/fleet';
import type { NodeId, NodeTaskUid, PhysicalUid } from '../../core/ids';
import type { NodeClient } from '../../meili/types';
import type { NodeTaskRef } from '../../store/task-types';
import type { Log } from '../log';
import type { NodeWork } from './plan';
import { faultOf, sleep } from './node-fault';
import type { Step } from './steps';
import { carriesMetadata, sendStep } from './steps';
import { findSent } from './sent-tasks';

/** How one node answered its part of a write. */
export interface NodeOutcome {
  readonly work: NodeWork;
  readonly tasks: readonly NodeTaskRef[];
  /**
   * `accepted`: all of it is in the node's queue. `refused`: the node says the request itself is
   * wrong. `missed`: the node did not take it, or nobody can tell.
   */
  readonly result: 'accepted' | 'refused' | 'missed';
  /** Missed, and the node may have taken it all the same: it did not answer any more. */
  readonly unsure?: boolean;
  readonly error: JsonValue;
}

export interface FanOut {
  readonly physicalUid: PhysicalUid;
  readonly customMetadata: string;
  /** Null: the node has left, or must not be written to now. */
  readonly client: (node: NodeId) => Promise<NodeClient | null>;
  /** Asked right before each request: whether this pod still is the index's writer. */
  readonly maySend: () => boolean;
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
  /** How long to ask a node what became of a request with an unknown outcome. */
  readonly unknownMs: (node: NodeId) => number;
  readonly answered: (node: NodeId) => void;
  readonly failed: (node: NodeId, code: string) => void;
  /** What makes the index on a node that is not known to have it; none for one that has. */
  readonly setup: (work: NodeWork) => Promise<readonly Step[]>;
  /** The node has all of its part. */
  readonly accepted: (work: NodeWork) => Promise<void>;
  /** Runs a node's part when the node has got those of all earlier writes. */
  readonly onNode: <T>(node: NodeId, job: () => Promise<T>) => Promise<T>;
  /** Whether the node has missed an earlier write, so that this one must not reach it. */
  readonly isBehind: (node: NodeId) => boolean;
  readonly missed: (node: NodeId) => void;
  readonly log: Log;
}

/**
 * Sends every node its part, the nodes side by side, the steps of one node in order. The parts have
 * entered the nodes' queues when it returns its promise.
 */
export async function fanOut(parts: FanOut, work: readonly NodeWork[]): Promise<NodeOutcome[]> {
  return await Promise.all(
    work.map(async (one) => {
      return await parts.onNode(one.node, async () => {
        if (parts.isBehind(one.node)) return missedEarlier(one);
        const outcome = await sendWork(parts, one);
        if (outcome.result === 'accepted') await parts.accepted(one);
        if (outcome.result === 'missed') parts.missed(one.node);
        return outcome;
      });
    }),
  );
}

const missedEarlier = (work: NodeWork): NodeOutcome => ({
  ...{ work, tasks: [], result: 'missed' },
  error: { code: 'missed_an_earlier_write' },
});

async function sendWork(parts: FanOut, work: NodeWork): Promise<NodeOutcome> {
  const tasks: NodeTaskRef[] = [];
  const client = await parts.client(work.node);
  if (client === null) return { work, tasks, result: 'missed', error: null };
  const setup = await parts.setup(work);
  for (const [at, step] of [...setup, ...work.steps].entries()) {
    const sent = await sendUntilKnown(parts, client, { node: work.node, step });
    if (sent.result !== 'accepted') return { work, tasks, ...sent };
    const role = at < setup.length ? 'setup' : work.shards.length === 0 ? 'side' : 'main';
    tasks.push({ node: work.node, uid: sent.uid, result: { role } });
  }
  return { work, tasks, result: 'accepted', error: null };
}

type Sent =
  | { readonly result: 'accepted'; readonly uid: NodeTaskUid }
  | { readonly result: 'refused' | 'missed'; readonly error: JsonValue; readonly unsure?: boolean };

/** A node that restarts is back within moments; these pauses cover its socket, not its outage. */
const retryPausesMs = [20, 80, 200];
/** A request whose caller has gone is enqueued within this time, if the node ever read all of it. */
const lateLandingMs = 500;

async function sendUntilKnown(
  parts: FanOut,
  client: NodeClient,
  what: { node: NodeId; step: Step },
): Promise<Sent> {
  for (let attempt = 0; ; attempt += 1) {
    if (!parts.maySend()) return { result: 'missed', error: { code: 'writer_lease_over' } };
    const { customMetadata, deadlineMs, signal } = parts;
    try {
      const options = { customMetadata, deadlineMs, signal };
      const uid = await sendStep(client, parts.physicalUid, what.step, options);
      parts.answered(what.node);
      return { result: 'accepted', uid };
    } catch (error) {
      const fault = faultOf(error);
      if (fault === null) throw error;
      if (fault.isRefusal) return { result: 'refused', error: fault.body };
      parts.failed(what.node, fault.code);
      parts.log.warn(
        { node: what.node, code: fault.code, step: what.step.kind },
        'node did not take a write',
      );
      if (fault.outcomeUnknown) {
        const found = await resolveUnknown(parts, client, what);
        if (found === 'no-answer') {
          return { result: 'missed', error: { code: fault.code }, unsure: true };
        }
        if (found !== 'not-there') return { result: 'accepted', uid: found };
      }
      const pause = retryPausesMs[attempt];
      if (pause === undefined || !fault.mayRetry) return { result: 'missed', error: fault.body };
      await sleep(pause);
    }
  }
}

/**
 * Asks the node's task list until it answers. Nothing else of this index is sent to the node
 * meanwhile, so a request that lands late lands before the next write. Twice, because one that was
 * being read while we gave up may be enqueued just after the first look.
 */
async function resolveUnknown(
  parts: FanOut,
  client: NodeClient,
  { node, step }: { node: NodeId; step: Step },
): Promise<NodeTaskUid | 'not-there' | 'no-answer'> {
  const until = performance.now() + parts.unknownMs(node);
  let looks = 0;
  for (;;) {
    try {
      const found = carriesMetadata(step)
        ? await findSent(client, parts.physicalUid, parts.customMetadata)
        : null;
      if (found !== null) return found;
      looks += 1;
      if (looks === 2) return 'not-there';
      await sleep(lateLandingMs);
    } catch (error) {
      if (faultOf(error) === null) throw error;
      if (performance.now() >= until) return 'no-answer';
      await sleep(50);
    }
  }
}
