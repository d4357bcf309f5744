/**
 * Goal: operations that need the same groups run one after another, in the order in which they asked;
 * none waits for ever, none holds a part of what it needs, and the queue is bounded.
 * Method: the script on a real server. Many operations with random groups ask, run, crash and go; a seed
 * in MIROIR_SEED repeats a run.
 */
import { groupId } from '../../core/ids';
import type { GroupId } from '../../core/ids';
import { operationsQueuedMax } from '../../core/limits';
import { openStore } from './support';

const opened = openStore();
const { governor } = opened.store;

afterAll(() => opened.close());

const groups = (...numbers: number[]): GroupId[] => numbers.map(groupId);

/** Mulberry32: the same seed gives the same run. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('the governor', () => {
  test('gives all groups or none, first come, first served', async () => {
    expect(await governor.claim('a', groups(0, 1))).toEqual({ kind: 'ok' });
    expect(await governor.claim('b', groups(1, 2))).toEqual({ kind: 'busy', blockers: ['a'] });
    expect(await governor.claim('c', groups(2))).toEqual({ kind: 'busy', blockers: ['b'] });
    expect(await governor.claim('d', groups(3))).toEqual({ kind: 'ok' });
    expect(await governor.view()).toEqual({
      holders: [
        { group: 0, operation: 'a' },
        { group: 1, operation: 'a' },
        { group: 3, operation: 'd' },
      ],
      queue: [
        { operation: 'b', groups: [1, 2] },
        { operation: 'c', groups: [2] },
      ],
    });
    await governor.release('a');
    expect(await governor.claim('c', groups(2))).toEqual({ kind: 'busy', blockers: ['b'] });
    expect(await governor.claim('b', groups(1, 2))).toEqual({ kind: 'ok' });
    for (const operation of ['b', 'c', 'd']) await governor.release(operation);
    expect(await governor.view()).toEqual({ holders: [], queue: [] });
  });

  test('asking again keeps the place and what is held', async () => {
    expect(await governor.claim('a', groups(0))).toEqual({ kind: 'ok' });
    expect(await governor.claim('a', groups(0))).toEqual({ kind: 'ok' });
    for (const operation of ['b', 'c', 'b', 'c']) await governor.claim(operation, groups(0));
    // Its answer was lost, and others wait for it meanwhile: it must not wait for them.
    expect(await governor.claim('a', groups(0))).toEqual({ kind: 'ok' });
    const { queue } = await governor.view();
    expect(queue.map(({ operation }) => operation)).toEqual(['b', 'c']);
    for (const operation of ['a', 'b', 'c']) await governor.release(operation);
  });

  test('says when there is no place to wait, and an operation that waits already has one', async () => {
    await governor.claim('holder', groups(0));
    const waiting = Array.from({ length: operationsQueuedMax }, (_, at) => `w${String(at)}`);
    for (const operation of waiting) {
      expect(await governor.claim(operation, groups(0))).toMatchObject({ kind: 'busy' });
    }
    expect(await governor.claim('late', groups(0))).toEqual({
      kind: 'full',
      waiting: operationsQueuedMax,
    });
    expect(await governor.claim('w0', groups(0))).toMatchObject({ kind: 'busy' });
    // Nobody in the way needs no place in the queue.
    expect(await governor.claim('elsewhere', groups(9))).toEqual({ kind: 'ok' });
    for (const operation of ['holder', 'elsewhere', ...waiting]) await governor.release(operation);
  });

  test('lets everybody through, one at a time for each group, whoever crashes', async () => {
    const seed = Number(process.env['MIROIR_SEED'] ?? Date.now() % 1_000_000);
    const random = randomOf(seed);
    const operations = Array.from({ length: 60 }, (_, at) => ({
      name: `op-${String(at)}`,
      wants: groups(...[0, 1, 2, 3].filter(() => random() < 0.45)),
      state: 'new' as 'new' | 'waiting' | 'running' | 'crashed' | 'over',
      crashes: random() < 0.2,
    })).filter(({ wants }) => wants.length > 0);
    const started: string[] = [];
    let turns = 0;
    while (operations.some(({ state }) => state !== 'over')) {
      turns += 1;
      if (turns > 5_000) throw new Error(`seed ${String(seed)}: some operation never got its turn`);
      const open = operations.filter(({ state }) => state !== 'over');
      // Few at once, so that the queue is never full and new ones come while old ones wait.
      const active = open.slice(0, 12);
      const one = active[Math.floor(random() * active.length)];
      if (one === undefined) break;
      if (one.state === 'running') {
        one.state = one.crashes ? 'crashed' : 'over';
        if (!one.crashes) await governor.release(one.name);
      } else if (one.state === 'new' || one.state === 'waiting') {
        const result = await governor.claim(one.name, one.wants);
        if (result.kind === 'ok') {
          const running = operations.filter(({ state }) => state === 'running');
          const shared = running.filter(({ wants }) => wants.some((g) => one.wants.includes(g)));
          expect({ seed, shared: shared.map(({ name }) => name) }).toEqual({ seed, shared: [] });
          one.state = 'running';
          started.push(one.name);
        } else {
          if (result.kind === 'full') throw new Error(`seed ${String(seed)}: the queue is full`);
          // What a crashed run left is taken away by whoever meets it.
          for (const blocker of result.blockers) {
            const crashed = operations.find(({ name }) => name === blocker);
            if (crashed?.state !== 'crashed') continue;
            await governor.release(blocker);
            crashed.state = 'over';
          }
          one.state = 'waiting';
        }
      } else if (active.every(({ state }) => state === 'crashed')) {
        // Nobody met them: they are in nobody's way.
        for (const crashed of active) {
          await governor.release(crashed.name);
          crashed.state = 'over';
        }
      }
    }
    expect(started.length).toBe(operations.length);
    expect(await governor.view()).toEqual({ holders: [], queue: [] });
  });
});
