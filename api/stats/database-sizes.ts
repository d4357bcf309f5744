import type { ApiContext } from '../context';
import { clientOf } from '../client-of';
import { faultOf } from '../writes/node-fault';

/** Bytes that the whole fleet takes: every node, every copy. Nodes that do not answer are left out. */
export async function databaseSizes(
  ctx: ApiContext,
): Promise<{ readonly databaseSize: number; readonly usedDatabaseSize: number }> {
  const nodes = ctx.fleet.current().nodes.filter((node) => ctx.health.usable(node.id));
  const all = await Promise.all(
    nodes.map(async (node) => {
      try {
        return await clientOf(ctx, node.id)?.allStats();
      } catch (error) {
        if (faultOf(error) === null) throw error;
        return undefined;
      }
    }),
  );
  return {
    databaseSize: all.reduce((sum, stats) => sum + (stats?.databaseSize ?? 0), 0),
    usedDatabaseSize: all.reduce((sum, stats) => sum + (stats?.usedDatabaseSize ?? 0), 0),
  };
}
