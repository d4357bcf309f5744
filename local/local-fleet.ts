import { join } from 'node:path';
import { nodesFromUrls } from '../config/bootstrap-nodes';
import type { DevLine } from './dev-line';
import { findEngine } from './engines';
import type { Engine } from './engines';
import type { FleetPlan } from './fleet-options';
import { openState } from './fleet-state';
import type { StateFile } from './fleet-state';
import { freePort } from './free-port';
import { healthy, startNodeProcess } from './node-process';
import type { NodeProcess } from './node-process';
import { settingsFrom, startApiProcess, startOwn } from './own-process';
import { withRetries } from './part';
import type { Part, PartContext } from './part';
import { startValkey } from './redis';
import type { LocalNode, RunningFleet } from './running-fleet';
import { Slot } from './slot';
import { createSupervisor } from './supervisor';
import type { RunningProgram } from './supervisor';
import { startTemporal } from './temporal';

const defaultNamespace = 'default';

export class LocalFleet implements RunningFleet {
  readonly sources: Record<string, string> = {};
  redis = '';
  temporal = '';
  temporalUi: string | null = null;
  engine = '';
  readonly #plan: FleetPlan;
  readonly #file: StateFile;
  readonly #context: PartContext;
  readonly #slots = new Map<string, Slot>();
  readonly #processes = new Map<string, NodeProcess>();
  readonly #endListeners: ((program: RunningProgram) => void)[] = [];
  readonly #apiPorts: number[] = [];
  #engine: Engine | null = null;
  #nodes: LocalNode[] = [];
  #spare: LocalNode[] = [];
  #bootstrap: readonly LocalNode[] = [];
  #closing: Promise<void> | null = null;

  constructor(plan: FleetPlan) {
    this.#plan = plan;
    this.#file = openState(plan);
    const supervisor = createSupervisor();
    this.#context = { supervisor, directory: this.#file.directory, env: plan.env };
    if (this.#file.temporary) supervisor.removeAtEnd(this.#file.directory);
  }

  get api(): string {
    return urlOf(this.#apiPorts[0] ?? 0);
  }

  get apis(): readonly string[] {
    return this.#apiPorts.map(urlOf);
  }

  get masterKey(): string {
    return this.#file.state.masterKey;
  }

  get adminKey(): string {
    return this.#file.state.adminKey;
  }

  get nodeKey(): string {
    return this.#file.state.nodeKey;
  }

  get redisPrefix(): string {
    return this.#file.state.name;
  }

  get directory(): string {
    return this.#file.directory;
  }

  async start(): Promise<void> {
    // The parts need nothing of each other; api and workers need them all.
    await settleAll([this.#openRedis(), this.#openTemporal(), this.#openNodes()]);
    this.#bootstrap = await Promise.all(
      this.nodes().map(async (node) => ({
        ...node,
        url: await this.#plan.link('fleet', node.id, node.url),
      })),
    );
    await settleAll(Array.from({ length: this.#plan.apis }, (_, at) => this.startApi(at)));
    // Canaries search through the api as clients do, so a worker must know where it is.
    await settleAll(Array.from({ length: this.#plan.workers }, (_, at) => this.startWorker(at)));
    this.#file.save();
  }

  nodes(): readonly LocalNode[] {
    return [...this.#nodes];
  }

  line(): DevLine {
    const { api, masterKey, adminKey, temporal, temporalUi, redis, engine } = this;
    return { api, masterKey, adminKey, temporal, temporalUi, redis, nodes: this.nodes(), engine };
  }

  pids(): Readonly<Record<string, number>> {
    const pids: Record<string, number> = { guard: this.#context.supervisor.guardPid };
    for (const [name, { pid }] of this.#slots) if (pid !== null) pids[name] = pid;
    return pids;
  }

  killApi(at = 0): Promise<void> {
    return this.#slot(`api-${String(at)}`).kill();
  }

  async startApi(at = 0): Promise<void> {
    const name = `api-${String(at)}`;
    if (!this.#slots.has(name)) this.#addSlot(name, () => this.#launchApi(name, at));
    this.#plan.onProgress(`starting ${name}`);
    await this.#slot(name).start();
  }

  killWorker(at = 0): Promise<void> {
    return this.#slot(`worker-${String(at)}`).kill();
  }

  async startWorker(at = 0): Promise<void> {
    const name = `worker-${String(at)}`;
    const entry = 'worker/main.js';
    if (!this.#slots.has(name)) {
      this.#addSlot(name, async () =>
        startOwn(this.#context, name, {
          entry,
          settings: { MIROIR_API_URL: this.api, ...(await this.#settings(name)) },
        }),
      );
    }
    this.#plan.onProgress(`starting ${name}`);
    await this.#slot(name).start();
  }

  killNode(id: string): Promise<void> {
    return this.#slot(id).kill();
  }

  restartNode(id: string): Promise<void> {
    return this.#slot(id).start();
  }

  pauseNode(id: string): void {
    this.#slot(id).signal('SIGSTOP');
  }

  resumeNode(id: string): void {
    this.#slot(id).signal('SIGCONT');
  }

  async addNodeProcess(options: { id?: string; group?: number } = {}): Promise<LocalNode> {
    const spare = this.#spare.shift();
    if (spare !== undefined) {
      const node = { ...spare, ...options };
      this.#nodes = [...this.#nodes, node];
      return node;
    }
    this.#engine ??= await findEngine(this.#plan.env, this.#plan.engine);
    const id = options.id ?? `meili-${String(this.#nodes.length)}`;
    if (this.#nodes.some((node) => node.id === id)) throw new Error(`${id} is there already.`);
    const group = options.group ?? this.#nodes.length % this.#plan.groups;
    const process = await startNodeProcess(this.#context, this.#engine, {
      id,
      group,
      masterKey: this.nodeKey,
      port: this.#port(id),
    });
    this.#remember(id, process.port);
    this.#processes.set(id, process);
    const restart = async (): Promise<RunningProgram> => {
      await process.restart();
      return process.program();
    };
    this.#addSlot(id, restart).adopt(process.program());
    const node = { id, url: process.url, group };
    this.#nodes = [...this.#nodes, node].sort((a, b) => numberOf(a.id) - numberOf(b.id));
    return node;
  }

  killRedis(): Promise<void> {
    return this.#slot('redis').kill();
  }

  startRedis(): Promise<void> {
    return this.#slot('redis').start();
  }

  killTemporal(): Promise<void> {
    return this.#slot('temporal').kill();
  }

  startTemporal(): Promise<void> {
    return this.#slot('temporal').start();
  }

  onUnexpectedEnd(listener: (program: RunningProgram) => void): void {
    this.#endListeners.push(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const kind of [/^api-/, /^worker-/, /^(?!api-|worker-|temporal$|redis$)/, /^temporal$/]) {
      const slots = [...this.#slots.values()].filter(({ name }) => kind.test(name));
      await Promise.all(slots.map((slot) => slot.stop()));
    }
    await this.#slots.get('redis')?.stop();
    await this.#context.supervisor.close();
  }

  async #openRedis(): Promise<void> {
    const open = (): ReturnType<typeof startValkey> =>
      startValkey(this.#context, { persistent: true, port: this.#port('redis') });
    const part = await open();
    this.redis = part.url;
    if (part.program !== null) this.#remember('redis', Number(new URL(part.url).port));
    this.#addPart('redis', part, open);
  }

  async #openTemporal(): Promise<void> {
    const { env, settings } = this.#plan;
    const { MIROIR_TEMPORAL_NAMESPACE: namespace = defaultNamespace } = { ...env, ...settings };
    const open = (): ReturnType<typeof startTemporal> =>
      startTemporal(this.#context, {
        persistent: true,
        namespace,
        ui: true,
        port: this.#port('temporal'),
        uiPort: this.#port('temporal-ui'),
      });
    const part = await open();
    this.temporal = part.address;
    this.temporalUi = part.uiUrl;
    if (part.program !== null) {
      this.#remember('temporal', Number(part.address.split(':')[1]));
      if (part.uiUrl !== null) this.#remember('temporal-ui', Number(new URL(part.uiUrl).port));
    }
    this.#addPart('temporal', part, open);
  }

  async #openNodes(): Promise<void> {
    const { env, nodes, groups } = this.#plan;
    const given = env['MIROIR_NODES'];
    if (given !== undefined && given !== '') {
      if ((env['MIROIR_NODE_KEY'] ?? '') === '') {
        throw new Error('MIROIR_NODES needs MIROIR_NODE_KEY, the master key of these nodes.');
      }
      const named = nodesFromUrls(given, groups).map(({ id, url, group }) => ({ id, url, group }));
      await Promise.all(named.map((node) => mustAnswer(node)));
      const known = Math.min(named.length, Math.max(nodes, named.length - this.#plan.spareNodes));
      this.#nodes = named.slice(0, known);
      this.#spare = named.slice(known);
      this.engine = await engineOf(this.#nodes[0]?.url ?? '', this.nodeKey);
      this.sources['nodes'] = 'MIROIR_NODES';
      return;
    }
    this.#engine = await findEngine(env, this.#plan.engine);
    this.engine = this.#engine.name;
    this.sources['nodes'] = this.#engine.source;
    this.#plan.onProgress(`nodes: ${this.#engine.source}`);
    const ids = Array.from({ length: nodes }, (_, at) => ({
      id: `meili-${String(at)}`,
      group: at % groups,
    }));
    await settleAll(ids.map((node) => this.addNodeProcess(node)));
  }

  #addPart(name: 'redis' | 'temporal', part: Part, open: () => Promise<Part>): void {
    this.sources[name] = part.source;
    this.#plan.onProgress(`${name}: ${part.source}`);
    if (part.program === null) return;
    const restart = async (): Promise<RunningProgram> => {
      const { program } = await open();
      if (program === null) throw new Error(`${name} is not ours to start.`);
      return program;
    };
    this.#addSlot(name, restart).adopt(part.program);
  }

  async #launchApi(name: string, at: number): Promise<RunningProgram> {
    return withRetries(async (attempt) => {
      // A fixed port stays: clients know it. Only a chosen one may change, and only the first time.
      const known = this.#apiPorts[at] ?? (at === 0 && this.#plan.port !== 0 ? this.#plan.port : 0);
      const port = known === 0 ? await freePort(attempt === 1 ? this.#port(name) : 0) : known;
      const { adminKey } = this;
      const program = await startApiProcess(this.#context, name, {
        settings: await this.#settings(name),
        port,
        adminKey,
      });
      this.#apiPorts[at] = port;
      this.#remember(name, port);
      return program;
    });
  }

  /** The environment of api and worker: the user's settings, over them what was found or started. */
  async #settings(user: string): Promise<NodeJS.ProcessEnv> {
    const { shards, replicationFactor, groups, env, settings, link } = this.#plan;
    return {
      // Here a move is over in seconds and everything is on this machine.
      MIROIR_SYNC_GRACE_MS: '5000',
      MIROIR_OUTBOUND_ALLOW_LOOPBACK: 'true',
      MIROIR_DUMPS_LOCATION: join(this.directory, 'dumps'),
      MIROIR_BACKUPS_LOCATION: join(this.directory, 'backups'),
      MIROIR_TASK_QUEUE: this.#file.state.name,
      ...settingsFrom(env),
      REDIS_URL: await link(user, 'redis', this.redis),
      MIROIR_REDIS_PREFIX: this.#file.state.name,
      TEMPORAL_ADDRESS: await link(user, 'temporal', this.temporal),
      ...(this.temporalUi === null ? {} : { TEMPORAL_UI_URL: this.temporalUi }),
      MIROIR_MASTER_KEY: this.masterKey,
      MIROIR_ADMIN_KEY: this.adminKey,
      MIROIR_NODE_KEY: this.nodeKey,
      MIROIR_NODES_BOOTSTRAP: JSON.stringify(this.#bootstrap),
      MIROIR_SHARDS: String(shards),
      MIROIR_RF: String(replicationFactor),
      MIROIR_GROUPS: String(groups),
      ...settings,
    };
  }

  #slot(name: string): Slot {
    const slot = this.#slots.get(name);
    if (slot === undefined)
      throw new Error(`${name} was not started here, so it is not ours to end.`);
    return slot;
  }

  #addSlot(name: string, start: () => Promise<RunningProgram>): Slot {
    const slot = new Slot(name, start, (program) => {
      for (const listener of this.#endListeners) listener(program);
    });
    this.#slots.set(name, slot);
    return slot;
  }

  #port(name: string): number {
    return this.#file.state.ports[name] ?? 0;
  }

  #remember(name: string, port: number): void {
    this.#file.state.ports[name] = port;
  }
}

/** Waits for all, also when one fails: what comes up late must be known before it can be stopped. */
async function settleAll(all: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(all)) {
    if (result.status === 'rejected') throw result.reason;
  }
}

async function mustAnswer(node: LocalNode): Promise<void> {
  const answers = await healthy(node.url).catch(() => false);
  if (!answers) throw new Error(`${node.url} (MIROIR_NODES) does not answer GET /health.`);
}

async function engineOf(url: string, nodeKey: string): Promise<string> {
  const answer = await fetch(`${url}/version`, { headers: { authorization: `Bearer ${nodeKey}` } });
  const { pkgVersion } = (await answer.json()) as { pkgVersion?: string };
  if (pkgVersion === undefined) {
    throw new Error(`${url} refused MIROIR_NODE_KEY, which must be the master key of the nodes.`);
  }
  // An embedded node pretends to the version that it follows, but never hides what it is.
  const embedded = answer.headers.get('x-miroir-embedded-node') !== null;
  return embedded ? 'embedded' : `meilisearch ${pkgVersion}`;
}

function numberOf(id: string): number {
  return Number(/\d+$/.exec(id)?.[0] ?? Number.MAX_SAFE_INTEGER);
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${String(port)}`;
}
