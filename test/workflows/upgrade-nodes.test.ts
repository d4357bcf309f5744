/**
 * Goal: a rolling upgrade takes one node after another out of the reads and brings it back only when it
 * is itself, of the wanted version, in step and its canaries green; whatever happens, no node is left
 * unread that could be read, and no node is read that must not be.
 * Method: the real workflow on a real Temporal with activities that write down their calls.
 */
import type { WorkflowHandle } from '@temporalio/client';
import { groupId, nodeId } from '../../core/ids';
import type { ProgressView } from '../../core/operations';
import type { NodeInspection, UpgradeInput, UpgradeReport } from '../../core/upgrade';
import { waitFor } from '../support/wait-for';
import { FakeWorld, planOf, runOptions, startRuns } from './run-for-test';
import type { TestRuns } from './run-for-test';

jest.setTimeout(90_000);

const who = { who: 'ada' };
const a = nodeId('a');
const b = nodeId('b');

describe('a rolling upgrade', () => {
  let world: FakeWorld;
  let runs: TestRuns;

  beforeEach(async () => {
    world = new FakeWorld();
    runs = await startRuns(world);
  });

  afterEach(() => runs.close());

  const input = (overrides: Partial<UpgradeInput> = {}): UpgradeInput => ({
    ...{ nodes: [a, b], version: '1.50.0', restart: 'command', acceptUnavailable: false },
    ...{ ...who, why: 'test', options: { ...runOptions, autoApprove: true } },
    ...overrides,
  });
  const start = (overrides: Partial<UpgradeInput> = {}) =>
    runs.start('upgradeNodes', input(overrides));
  const progress = (handle: WorkflowHandle) => handle.query<ProgressView, []>('progress');
  const waitsFor = (handle: WorkflowHandle, text: string) =>
    waitFor(
      async () => (await progress(handle)).progress.waitingFor?.includes(text) === true || null,
      { what: `a wait for ${text}` },
    );
  const no = (reason: string): NodeInspection => ({
    ok: false,
    reason,
    version: null,
    indexes: [],
  });
  const ofNode = (node: string, extra: readonly string[] = []): string[] => [
    ...['claimGroups 0', `rest ${node}`, 'passBarrier', `restartNode ${node}`],
    ...[`inspectNode ${node}`, 'releaseGroups', ...extra, 'countStale', 'canariesAreGreen'],
    `wake ${node}`,
  ];

  test('one node is back in step before the next is touched', async () => {
    const handle = await start();
    const report = (await handle.result()) as UpgradeReport;
    expect(report).toEqual({
      outcome: 'done',
      nodes: [a, b].map((node) => ({ node, from: '1.49.0', to: '1.50.0', repaired: 0 })),
    });
    expect(world.calls).toEqual(['planUpgrade', ...ofNode('a'), ...ofNode('b')]);
    expect(world.view(handle.workflowId)).toMatchObject({
      ...{ kind: 'upgrade', status: 'succeeded', phase: 'done', nodes: ['a', 'b'] },
      progress: { done: 2, total: 2 },
    });
  });

  test('what the node missed is filled again, as often as it takes', async () => {
    world.answer('countStale', 3, 1, 0);
    world.plans = [planOf([], 7), planOf([], 8)];
    const handle = await start({ nodes: [a] });
    expect(await handle.result()).toMatchObject({ nodes: [{ repaired: 4 }] });
    const repairs = ['countStale', 'planRepair', 'countStale', 'planRepair'];
    expect(world.calls).toEqual(['planUpgrade', ...ofNode('a', repairs)]);
  });

  test('it waits for its approval, and a plan that is refused is never run', async () => {
    const options = { ...runOptions, autoApprove: false };
    const handle = await start({ options });
    await waitsFor(handle, 'approval');
    expect(world.calls).toEqual(['planUpgrade']);
    await handle.executeUpdate('approve', { args: [{ ...who, epoch: 5 }] });
    expect(await handle.result()).toMatchObject({ outcome: 'done' });

    world.answer('planUpgrade', {
      ...{ kind: 'upgrade', epoch: 5 as never, refused: ['a has the only in-sync copy'] },
      nodes: [{ node: a, group: groupId(0), version: null, copies: 1, unavailable: [] }],
    });
    const refused = await start();
    await expect(refused.result()).rejects.toThrow();
    expect(world.view(refused.workflowId)).toMatchObject({
      ...{ status: 'failed', error: 'upgrade-refused: a has the only in-sync copy.' },
    });
    expect(world.calls.filter((call) => call.startsWith('rest '))).toEqual(['rest a', 'rest b']);
  });

  test('a restart by hand ends with the operator’s word, or when the version is seen', async () => {
    const gate = world.gate('awaitVersion');
    const handle = await start({ restart: 'operator', nodes: [a] });
    await waitsFor(handle, 'restart of a');
    await handle.executeUpdate('proceed', { args: [who] });
    expect(await handle.result()).toMatchObject({ outcome: 'done' });
    expect(world.calls).toContain('awaitVersion a');
    expect(world.calls).not.toContain('restartNode a');

    gate.open();
    const seen = await start({ restart: 'operator', nodes: [b] });
    expect(await seen.result()).toMatchObject({ outcome: 'done' });
  });

  test('`proceed` is refused while nothing outside is waited for', async () => {
    const gate = world.gate('restartNode');
    const handle = await start({ nodes: [a] });
    await waitFor(() => gate.reached > 0, { what: 'the restart' });
    await expect(handle.executeUpdate('proceed', { args: [who] })).rejects.toMatchObject({
      cause: { type: 'waits-for-nobody' },
    });
    await expect(handle.executeUpdate('proceed', { args: [{ who: '' }] })).rejects.toMatchObject({
      cause: { type: 'bad-argument' },
    });
    gate.open();
    await handle.result();
  });

  test('a node of the wrong version or with another disk is not read until it is mended', async () => {
    world.gate('awaitVersion');
    const emptied = { ...no('a came back with an empty disk'), version: '1.50.0' };
    world.answer('inspectNode', no('a runs 1.49.0 and not 1.50.0'), emptied);
    const handle = await start({ nodes: [a] });
    await waitsFor(handle, 'a runs 1.49.0');
    await handle.executeUpdate('proceed', { args: [who] });
    await waitsFor(handle, 'an empty disk');
    // Its version is right already, so that is not what is waited for.
    expect(world.calls.filter((call) => call === 'awaitVersion a')).toHaveLength(1);
    expect(world.calls).not.toContain('wake a');
    await handle.executeUpdate('proceed', { args: [who] });
    expect(await handle.result()).toMatchObject({ outcome: 'done' });
    // A command that did not bring it back is not run again by itself.
    expect(world.calls.filter((call) => call === 'restartNode a')).toHaveLength(1);
  });

  test('red canaries keep it unread, visibly; a cancel there reads it again', async () => {
    world.answer(
      'canariesAreGreen',
      ...Array.from({ length: 20 }, () => ({
        ok: false as const,
        reason: 'green canaries; red: x',
      })),
    );
    const handle = await start();
    await waitsFor(handle, 'green canaries; red: x');
    await handle.executeUpdate('cancel', { args: [who] });
    await expect(handle.result()).rejects.toThrow();
    expect(world.view(handle.workflowId)).toMatchObject({ status: 'canceled' });
    expect(world.calls.slice(-2)).toEqual(['inspectNode a', 'wake a']);
    expect(world.calls).not.toContain('rest b');
  });

  test('a cancel while the node is down leaves it unread, and says so', async () => {
    const handle = await start({ restart: 'operator', version: null });
    await waitsFor(handle, 'restart of a');
    world.answer('inspectNode', no('a does not answer'));
    await handle.executeUpdate('cancel', { args: [who] });
    await expect(handle.result()).rejects.toThrow();
    expect(world.view(handle.workflowId)).toMatchObject({
      ...{ status: 'canceled', error: 'a stays unread: a does not answer' },
    });
    expect(world.calls).not.toContain('wake a');
    expect(world.calls.slice(-2)).toEqual(['releaseGroups', 'inspectNode a']);
  });

  test('a pause stops before the next node, and continue-as-new forgets nothing', async () => {
    const nodes = Array.from({ length: 6 }, (_, i) => nodeId(`n${String(i)}`));
    const options = { ...runOptions, autoApprove: true, historyEventsMax: 100 };
    const handle = await start({ nodes, options });
    const first = (await handle.describe()).runId;
    const report = (await handle.result()) as UpgradeReport;
    expect(report.nodes.map(({ node }) => node)).toEqual(nodes);
    const latest = runs.client.workflow.getHandle(handle.workflowId);
    expect((await latest.describe()).runId).not.toBe(first);
    expect(world.calls.filter((call) => call === 'planUpgrade')).toHaveLength(1);
    for (const node of nodes) {
      expect(world.calls.filter((call) => call === `restartNode ${node}`)).toHaveLength(1);
    }
    const seen = world.views.filter(({ id }) => id === handle.workflowId);
    expect(new Set(seen.map(({ startedAt }) => startedAt)).size).toBe(1);
  });
});
