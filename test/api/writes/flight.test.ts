/**
 * Goal: writes under way keep their order on each node and at their commits, and nodes do not wait for each other.
 * Method: a flight with jobs whose ends the test chooses; no nodes.
 */
import { nodeId } from '../../../core/ids';
import { Flight } from '../../../api/writes/flight';

const a = nodeId('meili-a');
const b = nodeId('meili-b');

interface Gate {
  readonly passed: Promise<void>;
  open(): void;
}

function gate(): Gate {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}

/** Lets everything run that waits for nothing else. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a node gets one write at a time, in their order; another node is not held up', async () => {
  const flight = new Flight();
  const first = gate();
  const seen: string[] = [];
  const jobs = [
    flight.onNode(a, async () => {
      await first.passed;
      seen.push('a1');
    }),
    flight.onNode(a, async () => void seen.push('a2')),
    flight.onNode(b, async () => void seen.push('b2')),
  ];
  await settled();
  expect(seen).toEqual(['b2']);
  first.open();
  await Promise.all(jobs);
  expect(seen).toEqual(['b2', 'a1', 'a2']);
});

test('a write whose nodes were quicker commits after those before it, also when one of them fails', async () => {
  const flight = new Flight();
  const first = gate();
  const seen: string[] = [];
  const failing = flight.launch(() =>
    flight.inOrder(async () => {
      await first.passed;
      seen.push('first');
      throw new Error('Its commit failed.');
    }),
  );
  const second = flight.launch(() => flight.inOrder(async () => void seen.push('second')));
  await settled();
  expect(seen).toEqual([]);
  first.open();
  await expect(failing).rejects.toThrow('Its commit failed.');
  await second;
  expect(seen).toEqual(['first', 'second']);
});

test('room and quiet are waited for', async () => {
  const flight = new Flight();
  const [one, two] = [gate(), gate()];
  const seen: string[] = [];
  void flight.launch(() => one.passed);
  void flight.launch(() => two.passed);
  expect(flight.size).toBe(2);
  const room = flight.room(2).then(() => seen.push('room'));
  const quiet = flight.drained().then(() => seen.push('quiet'));
  await settled();
  expect(seen).toEqual([]);
  one.open();
  await room;
  expect(seen).toEqual(['room']);
  two.open();
  await quiet;
  expect(flight.size).toBe(0);
});

test('a node that missed a write is behind until nothing is under way', async () => {
  const flight = new Flight();
  const [one, two] = [gate(), gate()];
  const writes = [flight.launch(() => one.passed), flight.launch(() => two.passed)];
  flight.miss(a);
  expect([flight.isBehind(a), flight.isBehind(b), flight.disturbed]).toEqual([true, false, true]);
  one.open();
  await writes[0];
  expect(flight.isBehind(a)).toBe(true);
  two.open();
  await writes[1];
  expect([flight.isBehind(a), flight.disturbed]).toEqual([false, false]);
});
