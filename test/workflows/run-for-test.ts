import { Context } from '@temporalio/activity';
import { Client, Connection } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { Activities, RolloverDecision } from '../../activities/types';
import type { IndexUid } from '../../core/ids';
import { epoch, groupId, indexUid, nodeId, physicalUid } from '../../core/ids';
import type { OperationPlan, OperationView } from '../../core/operations';
import { registerSearchAttributes } from '../../worker/search-attributes';
import { temporalForTest } from '../support/temporal';
import { archiveStart, exportTargets, importPlan, migratedIndex, planOf } from './inputs-for-test';

export { importInput, planOf, runOptions, syncInput } from './inputs-for-test';

/** A place where a fake activity waits until the test lets it go on, or until it is cancelled. */
export class Gate {
  #opened = false;
  #reached = 0;

  open(): void {
    this.#opened = true;
  }

  get reached(): number {
    return this.#reached;
  }

  async pass(): Promise<void> {
    this.#reached += 1;
    const context = Context.current();
    while (!this.#opened) {
      context.heartbeat();
      await Promise.race([new Promise((resolve) => setTimeout(resolve, 10)), context.cancelled]);
    }
  }
}

type Fakes = { [N in keyof Activities]: Activities[N] };

/** Activities that succeed at once and write down that they were called. */
export class FakeWorld {
  readonly calls: string[] = [];
  readonly views: OperationView[] = [];
  readonly gates = new Map<string, Gate>();
  plans: OperationPlan[] = [];
  /** The next answers of an activity, in order; when they are used up, its usual one. */
  readonly answers = new Map<string, unknown[]>();
  claimsBusy = 0;
  leaving = 0;

  gate(name: keyof Activities): Gate {
    const gate = new Gate();
    this.gates.set(name, gate);
    return gate;
  }

  answer<N extends keyof Activities>(
    name: N,
    ...values: Awaited<ReturnType<Activities[N]>>[]
  ): void {
    this.answers.set(name, [...(this.answers.get(name) ?? []), ...values]);
  }

  fail(name: keyof Activities, error: Error): void {
    this.answers.set(name, [error]);
  }

  /** The last view of an operation. */
  view(id: string): OperationView | undefined {
    return this.views.findLast((view) => view.id === id);
  }

  #fake<N extends keyof Activities>(
    name: N,
    usual: (request: Parameters<Activities[N]>[0]) => Awaited<ReturnType<Activities[N]>>,
    label: (request: Parameters<Activities[N]>[0]) => string = () => name,
  ) {
    return async (
      request: Parameters<Activities[N]>[0],
    ): Promise<Awaited<ReturnType<Activities[N]>>> => {
      this.calls.push(label(request));
      await this.gates.get(name)?.pass();
      const queue = this.answers.get(name) ?? [];
      if (queue.length === 0) return usual(request);
      const value = queue.shift();
      if (value instanceof Error) throw value;
      return value as Awaited<ReturnType<Activities[N]>>;
    };
  }

  activities(): Fakes {
    const ok = () => ({ ok: true }) as const;
    const nothing = () => undefined;
    const cursor = { shardAt: 2, nextSlot: 0, compared: 10, sent: 10 };
    const decision = {
      ...{ policy: 'logs', version: 3, act: true, reason: 'max_docs' },
      outcome: 'rolled-over' as const,
      ...{ from: indexUid('logs-1'), to: indexUid('logs-2'), physicalUid: physicalUid('logs-2-x') },
      ...{ createdAt: '2026-01-01T00:00:00Z', readTargets: null, doomed: [] },
    } satisfies RolloverDecision;
    return {
      staleCopies: this.#fake('staleCopies', () => []),
      openTarget: this.#fake('openTarget', () => ({ epoch: epoch(1), wasStale: [] })),
      passBarrier: this.#fake('passBarrier', nothing),
      copyRanges: this.#fake('copyRanges', () => ({ cursor, outcome: 'done' })),
      catchUpRound: this.#fake('catchUpRound', () => ({ handled: 0, sent: 0, left: 0 })),
      joinUnderFence: this.#fake('joinUnderFence', () => ({ joined: true, epoch: epoch(2) })),
      verifyCopy: this.#fake('verifyCopy', () => ({ documents: 1, ranges: 1, again: 0 })),
      awaitSources: this.#fake('awaitSources', () => ({ ok: true, feeds: [], changed: false })),
      canariesAreGreen: this.#fake('canariesAreGreen', ok),
      cutOver: this.#fake('cutOver', ok),
      reverseCutOver: this.#fake('reverseCutOver', ok),
      startLeaving: this.#fake(
        'startLeaving',
        () => epoch(3),
        ({ node }) => `startLeaving ${node}`,
      ),
      removeLeaving: this.#fake(
        'removeLeaving',
        () => ({ deleted: 1 }),
        ({ node }) => `removeLeaving ${node}`,
      ),
      restoreStale: this.#fake(
        'restoreStale',
        nothing,
        ({ shards }) => `restoreStale ${shards.join(',')}`,
      ),
      planRebalance: this.#fake('planRebalance', () => this.plans.shift() ?? planOf([], 9)),
      planRepair: this.#fake('planRepair', () => this.plans.shift() ?? planOf([], 9)),
      checkPlan: this.#fake('checkPlan', ({ plan }) => ({ fresh: true, plan })),
      claimGroups: this.#fake('claimGroups', ok, ({ groups }) => `claimGroups ${groups.join(',')}`),
      releaseGroups: this.#fake('releaseGroups', nothing),
      checkChange: this.#fake('checkChange', ok),
      planChange: this.#fake('planChange', () => this.plans.shift() ?? planOf([], 9)),
      recheckChange: this.#fake('recheckChange', ({ plan }) => ({ fresh: true, plan })),
      applyChange: this.#fake('applyChange', ok, ({ change }) => `applyChange ${change.kind}`),
      finishChange: this.#fake('finishChange', ok),
      undoChange: this.#fake('undoChange', nothing),
      reshardCatalogue: this.#fake('reshardCatalogue', () => ({
        ...{ done: true, epoch: epoch(5), fencedMs: 3 },
      })),
      checkNewNode: this.#fake('checkNewNode', ok),
      adoptNode: this.#fake('adoptNode', () => ({ instanceId: 'instance' })),
      setNodeIntent: this.#fake(
        'setNodeIntent',
        nothing,
        ({ intent }) => `setNodeIntent ${intent}`,
      ),
      mayLeave: this.#fake('mayLeave', () => ({ ok: true, group: groupId(0) })),
      forgetCopies: this.#fake('forgetCopies', ok),
      removeNode: this.#fake('removeNode', ok),
      planMigration: this.#fake('planMigration', ({ source }) => ({
        ...{ kind: 'migration', epoch: epoch(5), source: source.url, version: '1.50.0', keys: 1 },
        indexes: [migratedIndex],
        ...{ documents: 10, bytes: 100, minutes: 1, notes: [], refused: [] },
      })),
      markSource: this.#fake('markSource', () => ({ newest: 7, busy: false, what: 'a write' })),
      prepareStaging: this.#fake('prepareStaging', nothing),
      levelIndex: this.#fake(
        'levelIndex',
        ({ write }) => ({
          ...{ outcome: 'done', settings: 'abc' },
          cursor: { offset: 10, compared: 10, sent: write ? 3 : 0, deleted: 0 },
        }),
        ({ write }) => (write ? 'level' : 'compare'),
      ),
      newIndexes: this.#fake('newIndexes', () => []),
      copyKeys: this.#fake('copyKeys', () => ['key-1']),
      publishIndexes: this.#fake('publishIndexes', ok),
      undoMigration: this.#fake(
        'undoMigration',
        nothing,
        ({ keys }) => `undoMigration ${keys.join(',')}`,
      ),
      forgetSecret: this.#fake('forgetSecret', nothing),
      planUpgrade: this.#fake('planUpgrade', ({ nodes }) => ({
        ...{ kind: 'upgrade', epoch: epoch(5), refused: [] },
        nodes: nodes.map((node) => ({
          ...{ node, group: groupId(0), version: '1.49.0', copies: 4, unavailable: [] },
        })),
      })),
      restNode: this.#fake(
        'restNode',
        () => epoch(6),
        ({ node, resting }) => `${resting ? 'rest' : 'wake'} ${node}`,
      ),
      restartNode: this.#fake('restartNode', nothing, ({ node }) => `restartNode ${node}`),
      awaitVersion: this.#fake('awaitVersion', nothing, ({ node }) => `awaitVersion ${node}`),
      inspectNode: this.#fake(
        'inspectNode',
        () => ({ ok: true, reason: null, version: '1.50.0', indexes: [indexUid('products')] }),
        ({ node }) => `inspectNode ${node}`,
      ),
      countStale: this.#fake('countStale', () => 0),
      broadcastSettings: this.#fake('broadcastSettings', () => ({
        ...{ settingsVersion: 2, settingsHash: 'abc', changed: [], same: [nodeId('a')] },
      })),
      checkSettings: this.#fake('checkSettings', () => ({
        ...{ indexes: 1, drifted: [], unanswered: [] },
      })),
      expiringIndexes: this.#fake('expiringIndexes', () => []),
      sweepIndex: this.#fake('sweepIndex', () => ({ deleted: 0, left: 0, outcome: 'done' })),
      decideRollover: this.#fake('decideRollover', () => decision),
      createNextIndex: this.#fake('createNextIndex', nothing),
      waitIndexReady: this.#fake('waitIndexReady', nothing),
      flipAliases: this.#fake('flipAliases', nothing),
      retainIndexes: this.#fake('retainIndexes', () => ({ deleted: [] as IndexUid[] })),
      dropNextIndex: this.#fake('dropNextIndex', nothing),
      checkRebuild: this.#fake('checkRebuild', () => ({ ok: true, group: groupId(0) })),
      disownCopies: this.#fake('disownCopies', () => ({ epoch: epoch(4) })),
      emptyNode: this.#fake('emptyNode', () => ({ deleted: 1 })),
      renameNode: this.#fake('renameNode', ok),
      findRepairs: this.#fake('findRepairs', () => ({ repair: [], rebuild: [], left: [] })),
      beginAntiEntropy: this.#fake('beginAntiEntropy', () => ({
        indexes: [physicalUid('p-1'), physicalUid('p-2')],
      })),
      compareIndex: this.#fake('compareIndex', () => ({ documents: 10, differences: 1 })),
      settleDifferences: this.#fake('settleDifferences', () => ({ nodes: [] })),
      finishAntiEntropy: this.#fake('finishAntiEntropy', () => ({ outcome: 'equal' })),
      runCanary: this.#fake('runCanary', ({ canary }) => ({
        ...{ canary, ok: false, failures: ['min_hits: 0 hits, fewer than 1'], latencyMs: 4 },
      })),
      inspectArchive: this.#fake('inspectArchive', () => ({ ok: true, plan: importPlan })),
      createImported: this.#fake('createImported', nothing),
      importDocuments: this.#fake('importDocuments', () => ({
        ...{
          cursor: { indexAt: 0, line: 20, documents: 20, setAside: 0 },
          outcome: 'done' as const,
        },
      })),
      finishImport: this.#fake('finishImport', () => ({ keys: 2, policies: 0 })),
      dropImported: this.#fake('dropImported', nothing),
      startArchive: this.#fake('startArchive', () => archiveStart),
      awaitTasks: this.#fake('awaitTasks', nothing),
      writeIndexParts: this.#fake('writeIndexParts', ({ ordinal, index: { uid } }) => ({
        ...{ ordinal, uid, documents: 20, bytes: 400, digest: '0123456789abcdef' },
      })),
      dropParts: this.#fake('dropParts', nothing),
      assembleDump: this.#fake('assembleDump', () => ({ bytes: 1_000 })),
      planExport: this.#fake('planExport', () => ({ targets: exportTargets })),
      inspectRemote: this.#fake('inspectRemote', ({ target }) => ({
        exists: target.uid === 'films',
      })),
      exportIndex: this.#fake(
        'exportIndex',
        ({ target: { uid, pattern } }) => ({ uid, pattern, documents: 4 }),
        ({ target, exists }) => `exportIndex ${target.uid} ${exists ? 'there' : 'new'}`,
      ),
      noteExported: this.#fake(
        'noteExported',
        nothing,
        ({ sent }) => `noteExported ${sent.map(({ uid }) => uid).join(',')}`,
      ),
      beginTask: this.#fake('beginTask', nothing),
      endTask: this.#fake('endTask', nothing, ({ status }) => `endTask ${status}`),
      writeManifest: this.#fake('writeManifest', nothing),
      retainBackups: this.#fake('retainBackups', () => ['20250101-000000000']),
      newestBackup: this.#fake('newestBackup', (): string | null => '20260101-000000000'),
      checkBackup: this.#fake('checkBackup', () => [] as string[]),
      compareRestored: this.#fake('compareRestored', () => [] as string[]),
      dropScratch: this.#fake('dropScratch', nothing),
      recordDrill: this.#fake('recordDrill', nothing),
      writeView: (view) => {
        this.views.push(view);
        return Promise.resolve();
      },
    };
  }
}

export interface TestRuns {
  readonly client: Client;
  readonly taskQueue: string;
  readonly namespace: string;
  readonly native: NativeConnection;
  /** Starts a workflow; ids carry the task queue, so that files do not meet. */
  start(type: string, input: object, id?: string): Promise<WorkflowHandle>;
  id(name: string): string;
  close(): Promise<void>;
}

const silent = new DefaultLogger('ERROR', () => undefined);

/** A worker with the real workflows and the given activities, on the run's one Temporal. */
export async function startRuns(world: { activities(): object }): Promise<TestRuns> {
  const { address, namespace, taskQueue, workflowBundlePath } = temporalForTest();
  if (workflowBundlePath === null) throw new Error('the workflows were not bundled');
  try {
    Runtime.install({ logger: silent, shutdownSignals: [] });
  } catch (error) {
    // A file that starts several workers installs it once.
    if ((error as Error).name !== 'IllegalStateError') throw error;
  }
  const native = await NativeConnection.connect({ address });
  await registerSearchAttributes(native, namespace);
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  const worker = await Worker.create({
    connection: native,
    namespace,
    taskQueue,
    activities: world.activities(),
    workflowBundle: { codePath: workflowBundlePath },
    stickyQueueScheduleToStartTimeout: '1 second',
    maxHeartbeatThrottleInterval: '100 milliseconds',
    defaultHeartbeatThrottleInterval: '100 milliseconds',
  });
  const running = worker.run();
  const started: WorkflowHandle[] = [];
  let counter = 0;
  return {
    client,
    taskQueue,
    namespace,
    native,
    id: (name) => `${taskQueue}/${name}`,
    async start(type, input, id) {
      counter += 1;
      const workflowId = id ?? `${taskQueue}/${type}/${String(counter)}`;
      const handle = await client.workflow.start(type, { workflowId, taskQueue, args: [input] });
      started.push(handle);
      return handle;
    },
    async close() {
      await Promise.all(
        started.map((handle) => handle.terminate('the test is over').catch(() => undefined)),
      );
      worker.shutdown();
      await running;
      await connection.close();
      await native.close();
    },
  };
}
