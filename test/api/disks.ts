import type { FleetForTest } from './support';

/** Stops nodes, lets the test do something to their disks, and starts them again on their ports. */
export async function disturb(
  fleet: FleetForTest,
  at: number | readonly number[],
  act: (...disks: string[]) => Promise<unknown>,
): Promise<void> {
  const numbers = typeof at === 'number' ? [at] : at;
  for (const number of numbers) await fleet.nodes[number]?.close();
  await act(...numbers.map((number) => fleet.disk(number)));
  for (const number of numbers) await fleet.startNode(number);
}
