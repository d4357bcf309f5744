import type { NodeId } from '../../core/ids';
import type { JsonObject } from '../../core/search/types';
import type { RawAnswer } from '../../meili/types';
import { clientOf } from '../client-of';
import type { ApiContext } from '../context';

/** Posts to one node; any status comes back, a missing answer throws a NodeError. */
export async function askPath(
  ctx: ApiContext,
  node: NodeId,
  what: { readonly path: string; readonly body: JsonObject; readonly deadlineMs: number },
): Promise<RawAnswer> {
  const client = clientOf(ctx, node);
  if (client === null) throw Object.assign(new Error('The node has left.'), { code: 'node_gone' });
  return await client.request({ method: 'POST', ...what });
}
