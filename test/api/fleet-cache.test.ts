/**
 * Goal: a pod that has just changed the fleet goes on serving while it loads the change; only a state that
 * others have seen and Redis has not makes it stop.
 * Method: the cache over a store whose epochs the test decides.
 */
import { FleetCache } from '../../api/fleet-cache';
import type { Fleet } from '../../core/fleet';
import type { Epoch } from '../../core/ids';
import { openStore } from '../store/support';

test('a change of its own that is not loaded yet is no lost state', async () => {
  const opened = openStore();
  try {
    const { fleet } = opened.store;
    const cache = new FleetCache(fleet);
    await cache.reload();
    await fleet.update({ who: 'a', why: 'b', what: 'c' }, () => [
      { op: 'set-alias', alias: { name: 'x' as never, targets: ['y' as never], history: [] } },
    ]);
    expect(cache.current().epoch).toBeLessThan(fleet.floor());
    expect(cache.lost()).toBe(false);
    const { epoch }: Fleet = await cache.reload();
    fleet.raiseFloor((epoch + 1) as Epoch);
    expect(cache.lost()).toBe(true);
  } finally {
    await opened.close();
  }
});
