/**
 * Goal: what an operator says to a parent reaches each of its children, in the order in which it was said,
 * also a child that was being started meanwhile; and nothing that was accepted is forgotten at the end of
 * a run that continues as new.
 * Method: the modules with signals and views that end when the test says so.
 */
import type { ControlCommand } from '../../workflows/messages';
import { childrenOf, steerLate } from '../../workflows/children';
import type { Operation } from '../../workflows/operation';
import { beginOperation } from '../../workflows/operation';

type End = () => void;
const sent: { readonly id: string; readonly command: ControlCommand; readonly end: End }[] = [];
const views: End[] = [];

jest.mock('@temporalio/workflow', () => ({
  ...jest.requireActual<object>('@temporalio/workflow'),
  patched: () => true,
  getExternalWorkflowHandle: (id: string) => ({
    signal: (_signal: unknown, command: ControlCommand) =>
      new Promise<void>((resolve) => sent.push({ id, command, end: resolve })),
  }),
  proxyLocalActivities: () => ({
    writeView: () => new Promise<void>((resolve) => views.push(resolve)),
  }),
  CancellationScope: { nonCancellable: (work: () => Promise<unknown>) => work() },
  allHandlersFinished: () => true,
  condition: (holds: () => boolean) => Promise.resolve(holds()),
  upsertSearchAttributes: () => undefined,
  setCurrentDetails: () => undefined,
  workflowInfo: () => ({ workflowId: 'w', runId: 'r' }),
}));

beforeEach(() => {
  sent.length = 0;
  views.length = 0;
});

const who = 'ada';
const spec = {
  ...{ kind: 'drain-node' as const, origin: { who, why: 'test' }, total: 1 },
  documentsPerSecond: null,
};
/** Lets everything go on that waits for nothing. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const said = (): string[] => sent.map(({ id, command }) => `${command.command} ${id}`);

test('a command does not overtake the one before it', async () => {
  const children = childrenOf({ parallelSyncs: 2 });
  children.ids.add('a').add('b');
  void children.passOn({ command: 'pause', who });
  const resumed = children.passOn({ command: 'resume', who });
  for (let at = 0; at < 4; at += 1) {
    await turn();
    expect(sent).toHaveLength(at + 1);
    sent[at]?.end();
  }
  await resumed;
  expect(said()).toEqual(['pause a', 'pause b', 'resume a', 'resume b']);
});

test.each<[string, Partial<Operation['state']>, string[]]>([
  ['a pause', { paused: true }, ['pause a']],
  ['a cancel', { canceledBy: who }, ['cancel a']],
  ['a reverse', { reversedBy: who }, ['reverse a']],
  ['another rate', { documentsPerSecond: 90 }, ['setThrottle a']],
  [
    'a pause and another rate',
    { documentsPerSecond: 90, paused: true },
    ['setThrottle a', 'pause a'],
  ],
  ['nothing', { documentsPerSecond: 40 }, []],
])('a child that was being started hears %s', async (_what, state, expected) => {
  const children = childrenOf({ parallelSyncs: 2 });
  children.ids.add('a');
  const operation = beginOperation({ ...spec, documentsPerSecond: 40 });
  Object.assign(operation.state, state);
  const steered = steerLate(operation, children, 40);
  for (let at = 0; at < expected.length; at += 1) {
    await turn();
    sent[at]?.end();
  }
  await steered;
  expect(said()).toEqual(expected);
  const rates = sent.flatMap(({ command }) =>
    command.command === 'setThrottle' ? [command.documentsPerSecond] : [],
  );
  // A child gets its share.
  expect(rates).toEqual(expected.includes('setThrottle a') ? [45] : []);
});

test.each([
  ['a cancel', 'canceledBy', false],
  ['a reverse', 'reversedBy', false],
  ['an approval', 'approvedBy', true],
] as const)('%s while the last view of a run is written', async (_what, by, goesOn) => {
  const operation = beginOperation(spec);
  const may = operation.mayContinue();
  await turn();
  operation.state[by] = who;
  views[0]?.();
  expect(await may).toBe(goesOn);
});
