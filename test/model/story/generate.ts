import { Random } from '../world/random';
import type { Storm } from '../world/weather';
import type { FleetSize } from '../fleet/fleet';
import type {
  Act,
  ClientStep,
  ModelDocument,
  OperationAct,
  OperatorCommand,
  SearchSpec,
  SteerSpec,
  Story,
  WriteSpec,
} from './types';

export interface Sizes {
  /** Requests of all clients together. */
  readonly steps: number;
  /** Faults and operations. */
  readonly acts: number;
}

export const defaultSizes: Sizes = { steps: 70, acts: 7 };

export const tags: readonly string[] = ['red', 'green', 'blue'];
const words = ['sun', 'moon', 'star', 'comet', 'sky'];
const idsMax = 24;
/** Those of the start. */
export const indexes: readonly string[] = ['films', 'books'];
const later = 'games';
export const alias = 'shop';

/** The story of a seed: who writes and searches what, and what goes wrong meanwhile. */
export function generateStory(seed: number, sizes: Sizes = defaultSizes): Story {
  const random = new Random(seed).fork('story');
  const replicationFactor = random.weighted({ one: 1, two: 6, three: 2 });
  const copies = { one: 1, two: 2, three: 3 }[replicationFactor];
  const nodes = Math.max(copies, random.between(2, 4));
  const size = {
    pods: random.between(1, 3),
    workers: 2,
    nodes,
    // Enough for a second group, sometimes.
    spares: random.chance(0.3) ? copies : 1,
    shards: random.pick([2, 4, 8]),
    replicationFactor: copies,
  };
  const writers = random.between(2, 3);
  const each = Math.ceil(sizes.steps / (writers + 1));
  let version = 0;
  const clients = Array.from({ length: writers }, () =>
    Array.from({ length: each }, (): ClientStep => {
      const ask = random.chance(0.2) ? anySearch(random) : anyWrite(random, (version += 1));
      return { think: random.between(0, 350), pod: random.between(0, 5), ask };
    }),
  );
  clients.push(
    Array.from({ length: each }, () => ({
      think: random.between(0, 300),
      pod: random.between(0, 5),
      ask: anySearch(random),
    })),
  );
  // Early enough that clients go on while the operations run.
  const lengthMs = each * 120;
  const acts = Array.from({ length: sizes.acts }, () => ({
    at: random.between(0, lengthMs),
    act: anyAct(random, size),
  }));
  // From another stream, so that most seeds tell the story that they told before these were known.
  const rare = new Random(seed).fork('rare');
  const story = {
    ...{ seed, size, acts: inOrder(acts), losesRedis: rare.chance(0.06) },
    clients: hurried(clients, new Random(seed).fork('hurry')),
  };
  if (!rare.chance(rareShare)) return story;
  return withRareFault(story, { at: rare.between(0, lengthMs), act: anyRareFault(rare, size) });
}

const rareShare = 0.35;

/** In half of the stories clients send most writes in bursts, so that many of one index are under way. */
function hurried(clients: readonly ClientStep[][], random: Random): readonly ClientStep[][] {
  if (random.chance(0.5)) return clients;
  return clients.map((steps) =>
    steps.map((step) => {
      if (step.ask.kind === 'search' || !random.chance(0.7)) return step;
      return { ...step, think: random.between(0, 5), hurried: true };
    }),
  );
}

type Acts = Story['acts'];
const inOrder = (acts: Acts): Acts => [...acts].sort((a, b) => a.at - b.at);

/**
 * A disk is only lost beside faults that take no copy from the others: what is lost with the last copy of
 * a shard nobody can give back.
 */
function withRareFault(story: Story, fault: Acts[number]): Story {
  const { kind } = fault.act;
  const losesDisk = kind === 'node-emptied' || kind === 'node-rolled-back';
  const size = { ...story.size, ...(kind === 'node-rolled-back' ? { disks: true } : {}) };
  const beside = losesDisk ? besideLostDisk(story) : story.acts;
  return { ...story, size, acts: inOrder([...beside, fault]) };
}

/** One node beside the lost one stays whatever happens: else a new index has nowhere to go. */
function besideLostDisk({ acts, size }: Story): Acts {
  let mayLeave = size.nodes - 2;
  return acts.filter(({ act }) => {
    if (takesCopies(act)) return false;
    if (!['drain-node', 'remove-node', 'replace-node'].includes(act.kind)) return true;
    mayLeave -= 1;
    return mayLeave >= 0;
  });
}

function takesCopies(act: Act): boolean {
  if (act.kind === 'replication') return act.copies < 2;
  return ['node-down', 'node-slow', 'node-task-fails', 'storm', 'remove-group'].includes(act.kind);
}

const nameOf = (random: Random): string => (random.chance(0.12) ? alias : random.pick(indexes));
const anyId = (random: Random): string => `d${String(random.between(1, idsMax))}`;

/** Two indexes with some documents and settings, and an alias: what is there before anything goes wrong. */
export function firstWrites(seed: number): WriteSpec[] {
  const random = new Random(seed).fork('first documents');
  const writes = indexes.flatMap((index): WriteSpec[] => {
    const documents = Array.from({ length: 10 }, (_, at) =>
      anyDocument(random, `d${String(at + 1)}`, 0),
    );
    return [
      { kind: 'add', method: 'POST', index, documents },
      { kind: 'settings', index, variant: 0 },
    ];
  });
  return [...writes, { kind: 'alias', target: indexes[0] ?? '' }];
}

export function anyDocument(random: Random, id: string, version: number): ModelDocument {
  const document: Record<string, string | number> = { id, version };
  if (random.chance(0.9)) document['tag'] = random.pick(tags);
  if (random.chance(0.8)) document['title'] = `${random.pick(words)} ${random.pick(words)}`;
  if (random.chance(0.3)) document['rank'] = random.between(1, 9);
  return { ...document, id };
}

function anyWrite(random: Random, version: number): WriteSpec {
  const index = nameOf(random);
  const kind = random.weighted({
    post: 40,
    put: 20,
    delete: 18,
    filter: 7,
    all: 2,
    settings: 5,
    swap: 4,
    alias: 4,
    create: 1,
    drop: 1,
    rename: 2,
  });
  switch (kind) {
    case 'post':
    case 'put': {
      const documents = Array.from({ length: random.between(1, 5) }, () =>
        anyDocument(random, anyId(random), version),
      );
      return { kind: 'add', method: kind === 'post' ? 'POST' : 'PUT', index, documents };
    }
    case 'delete': {
      const ids = Array.from({ length: random.between(1, 4) }, () => anyId(random));
      return { kind: 'delete', index, ids };
    }
    case 'filter':
      return { kind: 'delete-filter', index, tag: random.pick(tags) };
    case 'all':
      return { kind: 'delete-all', index };
    case 'settings':
      return { kind: 'settings', index, variant: random.between(0, 3) };
    case 'swap':
      return { kind: 'swap', indexes: ['films', 'books'] };
    case 'alias':
      return { kind: 'alias', target: random.pick(indexes) };
    case 'create':
      return { kind: 'create-index', index: random.pick([...indexes, later]) };
    case 'drop':
      return { kind: 'delete-index', index };
    case 'rename': {
      const [from, to] = random.chance(0.5) ? [later, index] : [index, later];
      return { kind: 'rename-index', index: from, to };
    }
  }
}

export function anySearch(random: Random): SearchSpec {
  const body: Record<string, string | number | readonly string[]> = { limit: 1_000 };
  if (random.chance(0.3)) body['q'] = random.pick(words);
  if (random.chance(0.2)) body['filter'] = `tag = ${random.pick(tags)}`;
  if (random.chance(0.3)) body['facets'] = ['tag'];
  if (random.chance(0.2)) body['sort'] = ['version:desc'];
  return { kind: 'search', index: nameOf(random), body };
}

/** Nobody says anything to it. */
export const unsteered: SteerSpec = { commands: [], approveAfterMs: null, historyEventsMax: null };

function anySteer(random: Random): SteerSpec {
  const commands: { afterMs: number; command: OperatorCommand }[] = [];
  const at = (): number => random.between(0, 4_000);
  if (random.chance(0.2)) {
    const afterMs = at();
    commands.push({ afterMs, command: 'pause' });
    commands.push({ afterMs: afterMs + random.between(100, 3_000), command: 'resume' });
  }
  if (random.chance(0.1)) commands.push({ afterMs: at(), command: 'setThrottle' });
  if (random.chance(0.25)) commands.push({ afterMs: at(), command: 'cancel' });
  if (random.chance(0.2)) commands.push({ afterMs: at(), command: 'reverse' });
  return {
    commands,
    approveAfterMs: random.chance(0.3) ? random.between(20, 2_500) : null,
    historyEventsMax: random.chance(0.3) ? random.between(100, 250) : null,
  };
}

function anyStorm(random: Random): Storm {
  const some = (most: number): number => (random.chance(0.5) ? random.between(0, most) : 0);
  return {
    node: {
      'lost-before': some(60),
      'lost-after': some(60),
      'silent-before': some(20),
      'silent-after': some(20),
      late: some(30),
    },
    redisBreak: some(15),
    messageLost: some(300),
  };
}

const zones = [null, 'a', 'b'];

function anyAct(random: Random, size: FleetSize): Act {
  if (random.chance(0.36)) return anyOperation(random, size);
  return anyFault(random, random.between(0, size.nodes - 1));
}

/** Those that a fleet cannot do are refused by it, which is worth seeing too. */
function anyOperation(random: Random, { nodes, spares }: FleetSize): OperationAct {
  const steer = anySteer(random);
  const node = random.between(0, nodes - 1);
  const spare = nodes + random.between(0, spares - 1);
  const index = random.pick(indexes);
  const kind = random.weighted({
    'add-node': 5,
    'drain-node': 5,
    'remove-node': 2,
    repair: 4,
    'repair-all': 1,
    rebalance: 2,
    'set-node': 2,
    'replace-node': 3,
    'add-group': 3,
    'remove-group': 2,
    replication: 3,
    reshard: 3,
    'settings-check': 1,
    'anti-entropy': 2,
  });
  switch (kind) {
    case 'add-node':
      return { kind, node: spare, steer };
    case 'drain-node':
    case 'remove-node':
    case 'repair':
      return { kind, node, steer };
    case 'set-node':
      return { kind, node, weight: random.pick([0.5, 1, 2, 3]), zone: random.pick(zones), steer };
    case 'replace-node':
      return { kind, node, by: spare, steer };
    case 'add-group':
      return { kind, nodes: Array.from({ length: spares }, (_, at) => nodes + at), steer };
    case 'replication':
      return { kind, index, copies: random.between(1, 3), steer };
    case 'reshard':
      return { kind, index, shards: random.pick([2, 4, 8, 16]), steer };
    case 'rebalance':
    case 'repair-all':
    case 'remove-group':
    case 'settings-check':
    case 'anti-entropy':
      return { kind, steer };
  }
}

type Fault = Exclude<Act, OperationAct>;

function anyRareFault(random: Random, size: FleetSize): Fault {
  const [pod, node] = [random.between(0, size.pods - 1), random.between(0, size.nodes - 1)];
  const ms = random.between(300, 4_000);
  const kind = random.weighted({ 'pod-cut-off': 3, 'node-emptied': 2, 'node-rolled-back': 2 });
  if (kind === 'pod-cut-off' || size.replicationFactor < 2) return { kind: 'pod-cut-off', pod, ms };
  return { kind, node, ms };
}

function anyFault(random: Random, node: number): Fault {
  const kind = random.weighted({
    'kill-pod': 3,
    'pause-pod': 3,
    'kill-worker': 2,
    'pause-worker': 2,
    'node-down': 4,
    'node-slow': 2,
    'node-task-fails': 2,
    'redis-away': 1,
    'redis-reply-lost': 3,
    storm: 3,
    'lose-activity-answers': 1,
    'redis-restart': 1,
  });
  switch (kind) {
    case 'kill-pod':
      return { kind, pod: random.between(0, 5), backMs: random.between(50, 1_500) };
    case 'pause-pod':
      return { kind, pod: random.between(0, 5), ms: random.between(50, 5_000) };
    case 'kill-worker':
      return { kind, worker: random.between(0, 3), backMs: random.between(50, 1_500) };
    case 'pause-worker':
      return { kind, worker: random.between(0, 3), ms: random.between(50, 5_000) };
    case 'node-down':
      return { kind, node, ms: random.between(50, 4_000) };
    case 'node-slow':
      return { kind, node, extraMs: random.between(50, 1_500), ms: random.between(500, 4_000) };
    case 'node-task-fails':
      return { kind, node };
    case 'redis-away':
      return { kind, ms: random.between(50, 3_000) };
    case 'redis-reply-lost':
      return { kind, pod: random.between(0, 5) };
    case 'storm':
      return { kind, storm: anyStorm(random), ms: random.between(300, 4_000) };
    case 'lose-activity-answers':
      return { kind, ms: random.between(300, 2_000) };
    case 'redis-restart':
      return { kind, ms: random.between(50, 800) };
  }
}
