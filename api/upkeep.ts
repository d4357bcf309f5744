import type { ApiContext } from './context';
import { lookForStates } from './meta/look';
import { MetaWriter } from './meta/meta-writer';
import { publishFigures } from './metrics/figures';

/** What a pod does beside its requests, to keep the fleet whole. Returns the way to end it. */
export async function startUpkeep(ctx: ApiContext): Promise<() => Promise<void>> {
  // Before the first request: what the nodes have seen decides whether this state may be served.
  if (ctx.config.meta.enabled) await lookForStates(ctx);
  const meta = new MetaWriter(ctx);
  meta.start();
  ctx.disks.start();
  const unpublish = publishFigures(ctx);
  return async () => {
    unpublish();
    await ctx.disks.stop();
    await meta.stop();
  };
}
