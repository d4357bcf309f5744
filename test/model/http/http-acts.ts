import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { lastCopiesOn } from '../../../activities/nodes/rebuild';
import { nodeId } from '../../../core/ids';
import type { LinkState } from '../../support/faulty-link';
import { unsteered } from '../story/generate';
import type { Act, OperationAct, OperatorCommand, SteerSpec } from '../story/types';
import type { HttpFleet } from './http-fleet';
import { realEngine } from '../../support/meilisearch';
import { pause } from './http-fleet';

export const operationMs = realEngine ? 300_000 : 120_000;
const lookMs = 100;
/** A part of a storm: the links to one node in one direction, for so long. */
const gustMs = 300;

interface View {
  readonly status: string;
  readonly phase: string;
  readonly finishedAt?: string;
}

/** Makes what a story says happen to processes and to the lines between them. */
export class HttpActs {
  /** What is still on its way, and what did not end in time. */
  busy = 0;
  readonly unfinished: string[] = [];
  readonly lostDisks = new Set<string>();

  constructor(
    private readonly fleet: HttpFleet,
    private readonly note: (text: string) => void,
  ) {}

  async act(act: Act): Promise<void> {
    this.note(`act ${JSON.stringify(act)}`);
    this.busy += 1;
    try {
      await this.#acted(act);
    } catch (error) {
      // As when two acts stop one process: the second one has nothing to do.
      this.note(`act ${act.kind}: ${(error as Error).message}`);
    } finally {
      this.busy -= 1;
    }
  }

  async #acted(act: Act): Promise<void> {
    const { running, network } = this.fleet;
    const api = (pod: number): number => pod % running.apis.length;
    const link = (part: string, state: LinkState, ms: number, user?: string): Promise<void> =>
      network.while({ part, state, ...(user === undefined ? {} : { user }) }, () => pause(ms));
    switch (act.kind) {
      case 'kill-pod':
        await running.killApi(api(act.pod));
        await pause(act.backMs);
        return running.startApi(api(act.pod));
      case 'pause-pod':
        return this.#stopped(`api-${String(api(act.pod))}`, act.ms);
      case 'kill-worker':
        await running.killWorker();
        await pause(act.backMs);
        return running.startWorker();
      case 'pause-worker':
        return this.#stopped('worker-0', act.ms);
      case 'node-down': {
        const id = await this.fleet.node(act.node);
        await running.killNode(id);
        await pause(act.ms);
        return running.restartNode(id);
      }
      case 'node-emptied':
      case 'node-rolled-back':
        return this.#loseDisk(await this.fleet.node(act.node), act.ms);
      case 'node-slow': {
        const delayMs = act.extraMs / 2;
        return link(await this.fleet.node(act.node), { kind: 'open', delayMs }, act.ms);
      }
      case 'node-task-fails':
        return this.#failTask(await this.fleet.node(act.node));
      case 'redis-away':
        return link('redis', { kind: 'frozen' }, act.ms);
      case 'redis-restart':
        await running.killRedis();
        await pause(act.ms);
        return running.startRedis();
      case 'redis-reply-lost':
        return link('redis', { kind: 'deaf' }, gustMs, `api-${String(api(act.pod))}`);
      case 'pod-cut-off':
        return link('redis', { kind: 'frozen' }, act.ms, `api-${String(api(act.pod))}`);
      case 'lose-activity-answers':
        return link('temporal', { kind: 'deaf' }, act.ms, 'worker-0');
      case 'storm':
        return this.#storm(act.ms);
      default:
        return this.#operate(act);
    }
  }

  async #stopped(name: string, ms: number): Promise<void> {
    const pid = this.fleet.running.pids()[name];
    if (pid === undefined) return;
    process.kill(pid, 'SIGSTOP');
    await pause(ms);
    if (this.fleet.running.pids()[name] === pid) process.kill(pid, 'SIGCONT');
  }

  /** The disk of a process that ran cannot be had as it was a moment before: it is lost in both cases. */
  async #loseDisk(id: string, ms: number): Promise<void> {
    const now = await this.fleet.load();
    const isMember = now.nodes.some((node) => node.id === id);
    if (!isMember || lastCopiesOn(now, nodeId(id)).length > 0) return;
    const { running } = this.fleet;
    await running.killNode(id);
    rmSync(join(running.directory, 'nodes', id), { recursive: true, force: true });
    mkdirSync(join(running.directory, 'nodes', id), { recursive: true });
    await pause(ms);
    await running.restartNode(id);
    this.lostDisks.add(id);
  }

  /** Takes a node back whose disk was lost. True: it is the node that the fleet means. */
  async rebuilt(id: string): Promise<boolean> {
    const body = { who: 'operator', why: 'the model' };
    const asked = await this.fleet.operator('POST', `/_miroir/nodes/${id}/rebuild`, body);
    const { operation, code } = asked.body as { operation?: string; code?: string };
    if (operation === undefined) return code === 'miroir_not_found';
    await this.#steer(operation, unsteered);
    const path = `/_miroir/operations/${encodeURIComponent(operation)}`;
    const { body: view } = await this.fleet.operator('GET', path);
    const { status, error } = view as { status: string; error?: string };
    this.note(`${operation} is ${status}: ${String(error)}`);
    return status === 'succeeded' || String(error).includes('is the node that it was');
  }

  /** Only the embedded node has a switch for it. */
  async #failTask(id: string): Promise<void> {
    if (realEngine) return;
    const fault = { path: '/documents', count: 1, action: { kind: 'diskFull' } };
    await this.fleet.nodes.get(id)?.ask('POST', '/__faults', fault);
  }

  /** Gusts, each on the way to or from one node. */
  async #storm(ms: number): Promise<void> {
    const until = performance.now() + ms;
    const random = this.fleet.random.fork('storm');
    const ids = [...this.fleet.nodes.keys()];
    while (performance.now() < until) {
      const state: LinkState = random.chance(0.5) ? { kind: 'deaf' } : { kind: 'cut' };
      await this.fleet.network.while({ part: random.pick(ids), state }, () => pause(gustMs));
    }
  }

  async #operate(act: OperationAct): Promise<void> {
    const { method, path, body } = await this.#requestOf(act);
    const { approveAfterMs } = act.steer;
    const automatic = act.kind === 'anti-entropy' || act.kind === 'settings-check';
    const options = {
      ...{ graceMs: 400, parallelSyncs: 2, approvalExpiryMs: 4_000 },
      ...{ autoApprove: approveAfterMs === null },
    };
    const asked = { ...body, ...(automatic ? {} : options), who: 'operator', why: 'the model' };
    const { status, body: answer } = await this.fleet.operator(method, path, asked);
    const { operation: id, code } = answer as { operation?: string; code?: string };
    if (id === undefined) return this.note(`${path} is refused: ${String(status)} ${String(code)}`);
    await this.#steer(id, act.steer);
  }

  async #steer(id: string, { commands, approveAfterMs }: SteerSpec): Promise<void> {
    const path = `/_miroir/operations/${encodeURIComponent(id)}`;
    let over = false;
    const say = async (verb: string, body: object): Promise<void> => {
      if (over) return;
      const { status } = await this.fleet.operator('POST', `${path}/${verb}`, body);
      this.note(`${id} ${status < 400 ? 'takes' : 'refuses'} ${verb}`);
    };
    const saying = commands.map(async ({ afterMs, command }) => {
      await pause(afterMs);
      const rate = command === 'setThrottle' ? { documentsPerSecond: 20 } : {};
      await say(verbOf(command), rate).catch(() => undefined);
    });
    const until = performance.now() + operationMs;
    for (let approveAt = performance.now() + (approveAfterMs ?? Infinity); !over;) {
      const seen = await this.fleet.operator('GET', path).catch(() => null);
      const view = seen?.status === 200 ? (seen.body as unknown as View) : null;
      over = view?.finishedAt !== undefined;
      if (!over && performance.now() > until) {
        this.unfinished.push(`${id} is still ${String(view?.status)} in ${String(view?.phase)}`);
        over = true;
      }
      if (view?.status === 'waiting-approval' && performance.now() > approveAt) {
        await say('approve', {}).catch(() => undefined);
        approveAt = performance.now() + (approveAfterMs ?? 0);
      }
      await pause(lookMs);
    }
    await Promise.all(saying);
  }

  async #requestOf(act: OperationAct): Promise<{ method: string; path: string; body: object }> {
    const post = (path: string, body: object = {}) => ({ method: 'POST', path, body });
    const ofNode = async (place: number): Promise<string> =>
      `/_miroir/nodes/${await this.fleet.node(place)}`;
    switch (act.kind) {
      case 'settings-check':
        return post('/_miroir/settings/check', { repair: true });
      case 'anti-entropy':
        return post('/_miroir/anti-entropy', { repair: true });
      case 'rebalance':
        return post('/_miroir/rebalance');
      case 'scheduled-repair':
      case 'repair-all':
        return post('/_miroir/indexes/films/repair');
      case 'repair':
        return post(`${await ofNode(act.node)}/repair`);
      case 'drain-node':
        return post(`${await ofNode(act.node)}/drain`);
      case 'remove-node':
        return { method: 'DELETE', path: await ofNode(act.node), body: {} };
      case 'add-node':
        return post('/_miroir/nodes', await this.#toAdd(act.node, 0));
      case 'set-node': {
        const { weight, zone } = act;
        return { method: 'PATCH', path: await ofNode(act.node), body: { weight, zone } };
      }
      case 'replace-node': {
        const { group: _, ...by } = await this.#toAdd(act.by, 0);
        return post(`${await ofNode(act.node)}/replace`, by);
      }
      case 'add-group': {
        const nodes: object[] = [];
        for (const place of act.nodes) {
          const { group: _, ...node } = await this.#toAdd(place, 1);
          nodes.push(node);
        }
        return post('/_miroir/groups', { group: 1, nodes });
      }
      case 'remove-group':
        return { method: 'DELETE', path: '/_miroir/groups/1', body: {} };
      case 'replication':
        return post(`/_miroir/indexes/${act.index}/replication`, { replicationFactor: act.copies });
      case 'reshard':
        return post(`/_miroir/indexes/${act.index}/reshard`, { shards: act.shards });
    }
  }

  async #toAdd(place: number, group: number): Promise<{ id: string; url: string; group: number }> {
    const id = await this.fleet.node(place);
    return { id, url: this.fleet.urls.get(id) ?? '', group };
  }
}

const verbOf = (command: OperatorCommand): string =>
  command === 'setThrottle' ? 'throttle' : command;
