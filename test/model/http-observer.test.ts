/**
 * Goal: the checker over HTTP leaves out no task because Redis was away while it looked.
 * Method: a store that fails once at the second of three tasks. A write of such a task had looked like one that
 * never was (seed 103, beside other work on the machine).
 */
import type { Store } from '../../store/types';
import { RunLog } from './check/log';
import type { HttpFleet } from './http/http-fleet';
import { Observer } from './http/observer';

test('a look that breaks off is made up for by the next one', async () => {
  let fails = true;
  const store = {
    fleet: { epoch: () => Promise.resolve(1) },
    tasks: {
      lastUid: () => Promise.resolve(2),
      get: (uid: number) => {
        if (uid === 1 && fails) {
          fails = false;
          return Promise.reject(new Error('Redis is away.'));
        }
        return Promise.resolve({ uid, physicalUid: 'films-1', status: 'succeeded', error: null });
      },
    },
  } as unknown as Store;
  const log = new RunLog();
  const observer = new Observer({ store } as unknown as HttpFleet, log, () => 0);
  await expect(observer.look()).rejects.toThrow('Redis is away.');
  await observer.look();
  expect([...log.tasks.keys()]).toEqual([0, 1, 2]);
});
