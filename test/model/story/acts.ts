import { lastCopiesOn } from '../../../activities/nodes/rebuild';
import { nodeId } from '../../../core/ids';
import type { ModelFleet } from '../fleet/fleet';
import { operate, operationOf } from '../fleet/operations';
import type { Act, OperationAct } from './types';

/** Makes what a story says happen to the fleet. */
export class Acts {
  /** Acts that have begun and not ended. */
  busy = 0;

  constructor(private readonly fleet: ModelFleet) {}

  async act(act: Act): Promise<void> {
    this.fleet.world.note(`act ${JSON.stringify(act)}`);
    this.busy += 1;
    try {
      await this.#acted(act);
    } finally {
      this.busy -= 1;
    }
  }

  async #acted(act: Act): Promise<void> {
    const { fleet } = this;
    const { weather, temporal, world } = fleet;
    const nodes = [...fleet.nodes.values()];
    switch (act.kind) {
      case 'kill-pod': {
        const pod = fleet.podFor(act.pod);
        if (pod === null) return;
        fleet.killPod(pod.name);
        await world.sleep(act.backMs);
        await fleet.startPod();
        return;
      }
      case 'pause-pod':
        return this.#pause(fleet.podFor(act.pod)?.name, act.ms);
      case 'kill-worker': {
        const workers = temporal.workers();
        const name = workers[act.worker % Math.max(1, workers.length)];
        if (name !== undefined) world.kill(name);
        await world.sleep(act.backMs);
        return fleet.startWorker();
      }
      case 'pause-worker': {
        const workers = temporal.workers();
        return this.#pause(workers[act.worker % Math.max(1, workers.length)], act.ms);
      }
      case 'node-down': {
        const node = nodes[act.node];
        node?.stop();
        await world.sleep(act.ms);
        node?.restart();
        return;
      }
      case 'node-emptied':
      case 'node-rolled-back': {
        const node = nodes[act.node];
        if (node === undefined || !(await this.#isSpare(node.id))) return;
        node.stop();
        // Also an idle connection ends with the process.
        fleet.network.breakLines(node.url);
        await node.changeDisk(act.kind === 'node-emptied' ? 'empty' : 'first');
        await world.sleep(act.ms);
        node.restart();
        return;
      }
      case 'node-slow':
        weather.slow(`meili-${String(act.node)}`, act.extraMs);
        await world.sleep(act.ms);
        weather.slow(`meili-${String(act.node)}`, 0);
        return;
      case 'node-task-fails':
        nodes[act.node]?.failNextTask();
        return;
      case 'redis-away':
        weather.redisAway(act.ms);
        return;
      case 'redis-restart':
        for (const name of [...fleet.pods.keys(), ...temporal.workers()]) weather.breakRedis(name);
        weather.redisAway(act.ms);
        return;
      case 'redis-reply-lost':
        weather.breakRedis(fleet.podFor(act.pod)?.name ?? '');
        return;
      case 'pod-cut-off':
        weather.cutOff(fleet.podFor(act.pod)?.name ?? '', act.ms);
        await world.sleep(act.ms);
        return;
      case 'storm':
        weather.storm(act.storm);
        await world.sleep(act.ms);
        weather.clear();
        return;
      case 'lose-activity-answers':
        temporal.losesAnswer = () => world.random.chance(0.3);
        await world.sleep(act.ms);
        temporal.losesAnswer = () => false;
        return;
      default:
        return this.#operate(act);
    }
  }

  /** Others have in sync all that it has: then nothing is lost with its disk. */
  async #isSpare(id: string): Promise<boolean> {
    const now = await this.fleet.store.fleet.load();
    const isMember = now.nodes.some((node) => node.id === id);
    return isMember && lastCopiesOn(now, nodeId(id)).length === 0;
  }

  async #operate(act: OperationAct): Promise<void> {
    const operation = await operationOf(this.fleet, act);
    if (operation === null) return;
    await this.fleet.world.as('temporal', () => operate(this.fleet, operation, act.steer));
  }

  async #pause(name: string | undefined, ms: number): Promise<void> {
    if (name === undefined) return;
    const { world } = this.fleet;
    world.pause(name);
    await world.sleep(ms);
    world.resume(name);
  }
}
