/**
 * Goal: the memory of processes is known at both ends of a run, however short the run was.
 * Method: this process is watched and left at once.
 */
import { watchMemory } from '../../bench/memory';

test('what is stopped at once has a first and a last sample, and no third when it is stopped again', () => {
  const memory = watchMemory(() => ({ self: process.pid }));
  const samples = memory.stop();
  expect(samples).toHaveLength(2);
  for (const { mib } of samples) expect(mib['self']).toBeGreaterThan(1);
  expect(memory.stop()).toHaveLength(2);
});
