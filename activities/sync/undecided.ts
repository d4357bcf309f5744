import type { NodeId, NodeTaskUid } from '../../core/ids';
import { refuse } from '../errors';
import { openTasks } from '../open-tasks';
import { stopIfCancelled } from '../tools';
import { feedsOf } from './replica-changes';
import { demandSources } from './session';
import type { Session } from './session';

const firstPauseMs = 20;
const lastPauseMs = 1_000;
/** The pods decide within moments, unless another node that is needed for it has to be rebuilt first. */
const undecidedMsMax = 60_000;
/** Open tasks that a node is asked about at once. */
const uidsPerQuestion = 200;

/**
 * Throws when a source is not in sync any more, or may not be. A node that failed a write which others took
 * counts as in sync until a pod has read that from its tasks, and ends the write with it: to be equal to
 * such a source proves nothing. The sources must have worked off what they had taken before the join; what
 * came later the target has from its clients.
 */
export async function demandDecided(session: Session): Promise<void> {
  const { clock } = session.tools;
  const until = clock.now() + undecidedMsMax;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, lastPauseMs)) {
    const undecided = await undecidedOn(session);
    await demandSources(session);
    if (undecided.length === 0) return;
    if (clock.now() >= until) {
      throw refuse(
        'source-undecided',
        `${undecided.join(', ')} failed a write, and whether others took it is not known yet.`,
      );
    }
    stopIfCancelled(session.call);
    await clock.sleep(pauseMs, session.call.signal);
  }
}

/** The sources that have not done what an open task of the index gave them. */
async function undecidedOn(session: Session): Promise<NodeId[]> {
  const { tools, ref } = session;
  const open = await openTasks(tools, ({ physicalUid }) => physicalUid === ref.physicalUid);
  const undecided: NodeId[] = [];
  for (const { node, shards } of feedsOf(ref)) {
    const [shard] = shards;
    const refs = open.flatMap(({ nodeTasks }) => nodeTasks.filter((one) => one.node === node));
    if (shard === undefined || refs.length === 0) continue;
    const uids = refs.map(({ uid }) => uid);
    if (!(await areDone(session, session.sourceOf(shard).client, uids))) undecided.push(node);
  }
  return undecided;
}

async function areDone(
  { call }: Session,
  client: ReturnType<Session['sourceOf']>['client'],
  all: readonly NodeTaskUid[],
): Promise<boolean> {
  for (let at = 0; at < all.length; at += uidsPerQuestion) {
    const uids = all.slice(at, at + uidsPerQuestion);
    const { results } = await client.tasks({ uids, limit: uids.length, signal: call.signal });
    const failed = results.some(({ status }) => status === 'failed' || status === 'canceled');
    if (failed || results.length < new Set(uids).size) return false;
  }
  return true;
}
