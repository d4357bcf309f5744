import { tmpdir } from 'node:os';
import type { Client } from '@temporalio/client';
import type {
  ActivityTools,
  ArchiveTools,
  Clock,
  OperatorApi,
  Runs,
  SearchApi,
} from '../activities/tools';
import { openDepot } from '../archives/open-depot';
import type { Config } from '../config/config';

/** Activities are heard of at least so often, however long the server would wait for them. */
const heartbeatMsMax = 2_500;
/** A pod writes the state every `meta.everyMs`, and the nodes' queues may be long. */
const keptWaitMsMin = 30_000;

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const stop = (): void => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', stop);
        resolve();
      }, ms);
      signal.addEventListener('abort', stop, { once: true });
    }),
};

/** A run that Temporal does not know is as good as closed: nobody will ever go on with it. */
export const runsOf = (client: Client): Runs => ({
  async isOpen(workflowId) {
    try {
      const { status } = await client.workflow.getHandle(workflowId).describe();
      return status.name === 'RUNNING' || status.name === 'PAUSED';
    } catch (error) {
      if ((error as Error).name === 'WorkflowNotFoundError') return false;
      throw error;
    }
  },
});

/** Canaries search through the api, by a key of their own when one is given. */
export function searchApiOf(config: Config, env: NodeJS.ProcessEnv): SearchApi | null {
  const { host, port, masterKey } = config.api;
  const given = env['MIROIR_API_URL'];
  const url =
    given ??
    (port === 0 ? null : `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${String(port)}`);
  return url === null ? null : { url, key: env['MIROIR_CANARY_KEY'] ?? masterKey };
}

export function operatorApiOf(config: Config, env: NodeJS.ProcessEnv): OperatorApi | null {
  const search = searchApiOf(config, env);
  return search === null ? null : { url: search.url, adminKey: config.api.adminKey };
}

/** The same api, with the key that imports write with. */
export function clientApiOf(config: Config, env: NodeJS.ProcessEnv): SearchApi | null {
  const search = searchApiOf(config, env);
  const { apiKey } = config.worker;
  return search === null ? null : { url: search.url, key: apiKey ?? config.api.masterKey };
}

export function archiveToolsOf({ dumps, backups, s3, api }: Config): ArchiveTools {
  const open = (location: string): ReturnType<typeof openDepot> => openDepot(location, s3);
  return {
    dumps: dumps.location === null ? null : open(dumps.location),
    backups: backups.location === null ? null : open(backups.location),
    open,
    scratchDirectory: dumps.scratch ?? tmpdir(),
    // The body of a request is one document and the end of its line.
    lineBytesMax: api.bodyLimitBytes - 1,
  };
}

export function activityConfigOf(config: Config): ActivityTools['config'] {
  const { nodes, api, sync, writes, worker, fleet, repair, meta } = config;
  return {
    nodeDeadlineMs: nodes.deadlineMs,
    requestDeadlineMs: api.requestDeadlineMs,
    barrierExtraMs: sync.barrierExtraMs,
    fenceMaxMs: writes.fenceMaxMs,
    rangeDocumentsMax: sync.rangeDocumentsMax,
    heartbeatMs: Math.min(Math.ceil(worker.heartbeatMs / 4), heartbeatMsMax),
    keptWaitMs: meta.enabled ? Math.max(keptWaitMsMin, meta.everyMs * 5) : null,
    parallelSyncs: sync.parallelSyncs,
    exportGiveUpMs: config.export.giveUpMs,
    restartCommand: nodes.restartCommand,
    repair,
    outbound: config.outbound,
    fleet,
  };
}
