import type { FleetNode } from '../../core/fleet';
import { judgeNode } from '../../core/node-identity';
import type { NodeVerdict } from '../../core/node-identity';
import { foreignIndexes, hasTask, readIdentity } from '../../meili/node-identity';
import { refuse } from '../errors';
import { nodeOf } from '../tools';
import type { ActivityTools } from '../tools';
import type { NodeId } from '../../core/ids';

/** Asks a node who it is. Throws the client's NodeError when it does not answer. */
export async function inspect(
  tools: ActivityTools,
  node: FleetNode,
  deadlineMs = tools.config.nodeDeadlineMs,
): Promise<NodeVerdict> {
  const client = tools.nodes.client(node);
  const options = { deadlineMs };
  const identity = await readIdentity(client, options);
  const mark = (await tools.store.nodeMarks.all()).get(node.id);
  const counts = mark !== undefined && mark.instance === node.instanceId && identity !== null;
  const there = counts ? await hasTask(client, mark, options) : null;
  const indexes = identity === null ? (await foreignIndexes(client, options)).length : 0;
  return judgeNode(node, {
    ...{ identity, indexes },
    mark: there === null ? 'none' : there ? 'there' : 'gone',
  });
}

/**
 * A copy is neither read from nor verified on a node that is not the one that the table means, and no
 * index is made there: on an empty disk it would look like another's. With `tryAgain` the caller waits
 * for the node to be rebuilt.
 */
export async function demandKnown(
  tools: ActivityTools,
  ids: readonly NodeId[],
  fail: (type: 'node-strange', message: string) => Error = refuse,
): Promise<void> {
  await Promise.all(
    ids.map(async (id) => {
      const verdict = await inspect(tools, await nodeOf(tools, id));
      if (verdict.kind !== 'strange') return;
      throw fail('node-strange', `${id} is not the node that it was (${verdict.why}); rebuild it.`);
    }),
  );
}
