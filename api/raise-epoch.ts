import type { Epoch } from '../core/ids';
import type { ApiContext } from './context';

/**
 * Raises the epoch without a change of the fleet: every pod loads anew what it keeps beside the fleet
 * (API keys, features, webhooks) before it acknowledges the epoch. Returns when this pod has done so.
 */
export async function raiseEpoch(
  ctx: Pick<ApiContext, 'store' | 'fleet'>,
  audit: { readonly why: string; readonly what: string },
): Promise<Epoch> {
  for (;;) {
    const expected = await ctx.store.fleet.epoch();
    const { ok, epoch } = await ctx.store.fleet.change(expected, [], { who: 'client', ...audit });
    if (!ok) continue;
    await ctx.fleet.reload(epoch);
    return epoch;
  }
}
