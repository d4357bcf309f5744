import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { WorkerOptions } from '@temporalio/worker';
import { createActivities } from '../activities/create-activities';
import type { ActivityTools, Log } from '../activities/tools';
import type { Config } from '../config/config';
import { waitAofOf } from '../config/wait-aof';
import { createNodes } from '../meili/nodes';
import { connectRedis } from '../store/connect';
import { createStore } from '../store/create-store';
import { unseal } from '../store/sealed';
import type { Store } from '../store/types';
import { failpointOf } from './failpoint';
import { WorkerPod } from './pod';
import { learnEpochs } from './epochs';
import { restoreSchedules } from './schedules';
import { SloGuard, steerBy } from './slo-guard';
import { registerSearchAttributes } from './search-attributes';
import {
  activityConfigOf,
  archiveToolsOf,
  clientApiOf,
  operatorApiOf,
  runsOf,
  searchApiOf,
  systemClock,
} from './tools';

/** Running activities get this long to notice a shutdown; then they are cancelled and started again elsewhere. */
const shutdownGraceTime = '5 seconds';
const activitiesAtOnceMax = 50;

export interface StartOptions {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
}

export interface RunningWorker {
  /** Resolves when the worker has ended and everything it opened is closed. */
  readonly ended: Promise<void>;
  /** Ends it in an orderly way; may be called twice. */
  shutdown(): void;
}

/** A bundle made before, with its interceptors, or the compiled workflows beside this file, or their sources. */
export function workflowsOf(
  env: NodeJS.ProcessEnv,
): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath' | 'interceptors'> {
  const codePath = env['MIROIR_WORKFLOW_BUNDLE'];
  if (codePath !== undefined && codePath !== '') return { workflowBundle: { codePath } };
  const folder = join(__dirname, '..', 'workflows');
  const ending = existsSync(join(folder, 'index.js')) ? 'js' : 'ts';
  return {
    workflowsPath: join(folder, `index.${ending}`),
    interceptors: { workflowModules: [join(folder, `interceptors.${ending}`)] },
  };
}

interface Opened {
  readonly store: Store;
  readonly pod: WorkerPod;
  readonly tools: ActivityTools;
  readonly native: NativeConnection;
  close(): Promise<void>;
}

/** Opens everything in the order in which it is needed, and closes it in the opposite order. */
async function open({ config, env, log }: StartOptions): Promise<Opened> {
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const one of closers.splice(0).reverse()) await one();
  };
  try {
    const redis = connectRedis(config.redis.url);
    closers.push(() => Promise.resolve(redis.disconnect()));
    const store = createStore({
      redis,
      prefix: config.redis.prefix,
      requestDeadlineMs: config.api.requestDeadlineMs,
      podLeaseMs: config.pods.leaseMs,
      waitAof: waitAofOf(config.redis),
    });
    closers.push(() => store.close());
    const native = await NativeConnection.connect({ address: config.temporal.address });
    closers.push(() => native.close());
    const connection = await Connection.connect({ address: config.temporal.address });
    closers.push(() => connection.close());
    const client = new Client({ connection, namespace: config.temporal.namespace });
    await registerSearchAttributes(native, config.temporal.namespace);
    const pod = new WorkerPod(store, log);
    await pod.start(config.pods.heartbeatMs);
    closers.push(() => pod.close());
    const { key: masterKey, deadlineMs } = config.nodes;
    const nodes = createNodes({ masterKey, nodeKeyUid: pod.nodeKeyUid, deadlineMs });
    closers.push(() => nodes.close());
    await learnEpochs({ store, nodes, log });
    await restoreSchedules(client, { store, config, log, owner: pod.id });
    const tools: ActivityTools = {
      ...{ nodes, store, log, clock: systemClock, runs: runsOf(client) },
      config: activityConfigOf(config),
      searchApi: searchApiOf(config, env),
      operatorApi: operatorApiOf(config, env),
      clientApi: clientApiOf(config, env),
      archives: archiveToolsOf(config),
      unseal: (sealed) => unseal(masterKey, sealed),
      failpoint: failpointOf(store, env['MIROIR_FAILPOINT']),
    };
    const steer = steerBy(client);
    const guard = new SloGuard({ config, store, nodes, steer, log, id: pod.id });
    guard.start();
    closers.push(() => guard.stop());
    return { store, pod, tools, native, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * The build is told and decides nothing: any worker may go on with any run, which patches and recorded
 * histories keep possible. So a deploy never leaves a run without a worker.
 */
function buildOf(
  { worker, temporal }: Pick<Config, 'worker' | 'temporal'>,
  id: string,
): Pick<WorkerOptions, 'identity' | 'workerDeploymentOptions'> {
  const { buildId } = worker;
  if (buildId === null) return { identity: id };
  return {
    identity: `${id}@${buildId}`,
    workerDeploymentOptions: {
      version: { deploymentName: temporal.taskQueue, buildId },
      useWorkerVersioning: false,
    },
  };
}

/** Starts one worker process's work: it polls Temporal until `shutdown`. */
export async function startWorker(options: StartOptions): Promise<RunningWorker> {
  const { config, env } = options;
  const opened = await open(options);
  try {
    const worker = await Worker.create({
      connection: opened.native,
      namespace: config.temporal.namespace,
      taskQueue: config.temporal.taskQueue,
      ...buildOf(config, opened.pod.id),
      activities: createActivities(opened.tools),
      ...workflowsOf(env),
      maxConcurrentActivityTaskExecutions: activitiesAtOnceMax,
      stickyQueueScheduleToStartTimeout: config.worker.stickyMs,
      maxHeartbeatThrottleInterval: config.worker.heartbeatMs,
      shutdownGraceTime,
    });
    let stopping = false;
    return {
      ended: worker.run().finally(() => opened.close()),
      shutdown() {
        if (!stopping) worker.shutdown();
        stopping = true;
      },
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}
