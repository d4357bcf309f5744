import type { ActivityTools, Log } from '../../../activities/tools';
import { WorkerPod } from '../../../worker/pod';
import { activityConfigOf, archiveToolsOf, systemClock } from '../../../worker/tools';
import type { ModelFleet } from './fleet';

/** One worker process, as `worker/start-worker.ts` opens it, but for Temporal. To be called as its owner. */
export async function startWorker(fleet: ModelFleet, name: string): Promise<ActivityTools> {
  const { world, config, temporal } = fleet;
  const note = (fields: object, text: string): void =>
    world.note(`${text} ${JSON.stringify(fields)}`);
  const log: Log = { info: note, warn: note };
  const store = fleet.openStore(name);
  const pod = new WorkerPod(store, log);
  await pod.start(config.pods.heartbeatMs);
  return {
    store,
    log,
    nodes: fleet.nodesOf(name, pod.nodeKeyUid),
    clock: systemClock,
    config: { ...activityConfigOf(config), rangeDocumentsMax: 6, heartbeatMs: 200 },
    runs: { isOpen: (workflowId) => Promise.resolve(temporal.isOpen(workflowId)) },
    searchApi: null,
    operatorApi: null,
    clientApi: null,
    archives: archiveToolsOf(config),
    unseal: () => null,
    failpoint: () => Promise.resolve(),
  };
}
