import type { ActivityTools } from '../../activities/tools';
import { Flight } from '../../api/writes/flight';
import type { Nodes } from '../../meili/types';
import type { Store } from '../../store/types';
import type { Tamper } from './fleet/node-network';
import type { Act, ClientStep, Story } from './story/types';
import { unsteered } from './story/generate';
import type { Storm } from './world/weather';
import { calm } from './world/weather';

/** A way to break the product from outside, to see that the checker notices. */
export interface Mutation {
  readonly name: string;
  /** What it takes away, and what goes wrong without it. */
  readonly about: string;
  readonly wrapStore?: (store: Store) => Store;
  readonly wrapNodes?: (nodes: Nodes) => Nodes;
  readonly wrapTools?: (tools: ActivityTools) => ActivityTools;
  readonly tamper?: Tamper;
  /** Of every process, by variable. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly script?: (name: string, lua: string) => string;
  /** Changes a part of the product that has no way in from outside; what it returns puts it back. */
  readonly patch?: () => () => void;
  /** Syncs do not verify their copy; else this would find what the mutation breaks, and undo it. */
  readonly skips?: readonly string[];
  /** Makes the moment that it needs frequent. */
  readonly provoke?: (story: Story) => Story;
}

/** The story with these acts in place of its own. */
const acting =
  (...acts: { at: number; act: Act }[]) =>
  (story: Story): Story => ({
    ...story,
    ...{ size: { ...story.size, pods: 3 }, acts, losesRedis: false },
  });
const steer = unsteered;
/** A node goes while clients write, and copying takes its time. */
const moves = acting(
  { at: 20, act: { kind: 'drain-node', node: 0, steer } },
  ...[0, 1, 2, 3].map((node) => ({
    at: 30,
    act: { kind: 'node-slow' as const, node, extraMs: 120, ms: 9_000 },
  })),
);
/** Nodes that are asked for all they hold, so without a filter. */
const oneCopy = (provoke: (story: Story) => Story) => (story: Story) => ({
  ...provoke(story),
  size: { ...story.size, pods: 3, nodes: 3, replicationFactor: 1, shards: 8 },
});
const silentDrain = acting(
  { at: 0, act: { kind: 'storm', storm: { ...calm, messageLost: 1_000 }, ms: 9_000 } },
  { at: 20, act: { kind: 'drain-node', node: 0, steer } },
);
/** Pods stand still for longer than their lease and the settling take, with writes under way. */
const leasesPass = acting(
  { at: 0, act: { kind: 'node-slow', node: 0, extraMs: 300, ms: 20_000 } },
  ...[150, 700, 5_000, 5_600, 10_000, 10_500].map((at, pod) => ({
    at,
    act: { kind: 'pause-pod' as const, pod, ms: 3_600 },
  })),
);
/**
 * Again and again, one pod does not reach Redis any more when its write has begun; what it sends is lost
 * until its lease is nearly over, and then late. Another pod writes the same documents as soon as it may.
 */
const overtaken =
  (rounds: number) =>
  (story: Story): Story => {
    const writesLate = (fate: Partial<Storm['node']>): Storm => ({
      ...{ ...calm, node: { ...calm.node, ...fate }, writesOnly: true },
    });
    const starts = Array.from({ length: rounds }, (_, round) => 400 + round * 5_000);
    const write = (think: number, pod: number, version: number): readonly ClientStep[] => {
      const documents = [1, 2, 3, 4, 5, 6].map((at) => ({ id: `d${String(at)}`, version }));
      return [{ think, pod, ask: { kind: 'add', method: 'POST', index: 'films', documents } }];
    };
    const acts = starts.flatMap((at): { at: number; act: Act }[] => [
      { at: at - 10, act: { kind: 'storm', storm: writesLate({ 'lost-before': 1_000 }), ms: 960 } },
      { at: at + 60, act: { kind: 'pod-cut-off', pod: 0, ms: 2_600 } },
      { at: at + 960, act: { kind: 'storm', storm: writesLate({ late: 1_000 }), ms: 500 } },
    ]);
    const clients = starts.flatMap((at, round) => [
      write(at, 0, 2 * round + 1),
      write(at + 900, 1, 2 * round + 2),
    ]);
    return { ...acting(...acts)(story), clients };
  };
/** Clients that hardly wait. */
const busy = (provoke: (story: Story) => Story) => (story: Story) => {
  const { clients, ...rest } = provoke(story);
  return {
    ...rest,
    clients: clients.map((steps) => steps.map((step) => ({ ...step, think: step.think / 10 }))),
  };
};
const manyNodes = (provoke: (story: Story) => Story) => (story: Story) => ({
  ...provoke(story),
  size: { ...story.size, pods: 3, nodes: 4, replicationFactor: 2, shards: 4 },
});

/** Under a fence, so for what a join copies last, journals say nothing; rounds before it go on as they do. */
function lastReadEmpty(tools: ActivityTools): ActivityTools {
  const { fences, journals } = tools.store;
  let fenced = 0;
  return {
    ...tools,
    store: {
      ...tools.store,
      fences: {
        ...fences,
        raise: async (...args) => {
          const raised = await fences.raise(...args);
          if (raised) fenced += 1;
          return raised;
        },
        lower: (...args) => {
          fenced = Math.max(0, fenced - 1);
          return fences.lower(...args);
        },
      },
      journals: {
        ...journals,
        read: (...args) =>
          fenced > 0 ? Promise.resolve({ ids: [], all: null }) : journals.read(...args),
      },
    },
  };
}

/** Changes one script; a text that is not there any more is an error, or the mutation would be none. */
function inScript(script: string, from: string, to: string): NonNullable<Mutation['script']> {
  return (name, lua) => {
    if (name !== script) return lua;
    if (!lua.includes(from)) throw new Error(`${script} does not say ${from}.`);
    return lua.replace(from, to);
  };
}

export const mutations: readonly Mutation[] = [
  {
    name: 'no-bucket-filter',
    about: 'searches are sent without their bucket filter: copies are counted twice',
    tamper: (_path, body) => {
      const asked = JSON.parse(body) as { filter?: unknown };
      if (!Array.isArray(asked.filter)) return body;
      const filter = asked.filter.filter((one) => !String(one).startsWith('_miroir_bucket'));
      return JSON.stringify({ ...asked, filter });
    },
  },
  {
    name: 'no-barrier',
    about: 'a copy begins before every pod knows of it: pods that do not know search it unfiltered',
    provoke: oneCopy(silentDrain),
    wrapTools: (tools) => ({
      ...tools,
      store: {
        ...tools.store,
        pods: {
          ...tools.store.pods,
          lagging: () => Promise.resolve([]),
          lastAcknowledgedAt: () => Promise.resolve(0),
        },
      },
    }),
  },
  {
    name: 'journal-crossed-unread',
    about: 'ids leave the journal when they are read, not when they are copied',
    skips: ['verifyCopy'],
    provoke: manyNodes(moves),
    wrapTools: (tools) => ({
      ...tools,
      store: {
        ...tools.store,
        journals: {
          ...tools.store.journals,
          read: async (uid, shard, target, limit) => {
            const read = await tools.store.journals.read(uid, shard, target, limit);
            await tools.store.journals.cross(uid, shard, target, read.ids, read.all ?? undefined);
            return { ids: [], all: null };
          },
        },
      },
    }),
  },
  {
    name: 'begin-without-journal',
    about: 'a write begins although the journal of a copy does not name it',
    skips: ['verifyCopy'],
    provoke: manyNodes(moves),
    script: inScript('miroirBeginWrite', "if state == 'syncing' then", 'if false then'),
    wrapStore: (store) => ({
      ...store,
      journals: { ...store.journals, note: () => Promise.resolve() },
    }),
  },
  {
    name: 'begin-with-old-epoch',
    about: 'a write is sent by a table that a move has left behind',
    skips: ['verifyCopy'],
    provoke: oneCopy(silentDrain),
    script: inScript('miroirBeginWrite', 'if epoch ~= tonumber(ARGV[4]) then', 'if false then'),
  },
  {
    name: 'last-copy-stale',
    about: 'a missed write makes the last in-sync copy of a shard stale',
    provoke: manyNodes(
      acting(
        { at: 100, act: { kind: 'node-down', node: 1, ms: 900 } },
        { at: 1_200, act: { kind: 'node-down', node: 2, ms: 900 } },
        { at: 1_300, act: { kind: 'node-down', node: 3, ms: 900 } },
      ),
    ),
    script: inScript('miroirCommitWrite', 'if before > 0 and after == 0 then', 'if false then'),
    wrapStore: (store) => ({
      ...store,
      writers: {
        ...store.writers,
        commit: async (request) => {
          const shards = request.task.shards === 'all' ? [] : request.task.shards;
          const { indexes } = await store.fleet.load();
          const entry = indexes.find((one) => one.physicalUid === request.physicalUid);
          const failed = request.task.status === 'failed';
          const rows = (entry?.placement ?? []).flatMap(({ group, shards: all }) =>
            (failed ? shards : []).flatMap((shard) =>
              (all[shard] ?? []).map(({ node }) => ({ group, shard, node })),
            ),
          );
          return store.writers.commit({ ...request, stale: [...request.stale, ...rows] });
        },
      },
    }),
  },
  {
    name: 'missed-write-not-stale',
    about: 'a replica that missed a write goes on being read',
    provoke: manyNodes(
      acting(
        { at: 100, act: { kind: 'node-down', node: 1, ms: 900 } },
        { at: 1_200, act: { kind: 'node-down', node: 2, ms: 900 } },
        { at: 1_300, act: { kind: 'node-down', node: 3, ms: 900 } },
      ),
    ),
    wrapStore: (store) => ({
      ...store,
      writers: {
        ...store.writers,
        commit: (request) => store.writers.commit({ ...request, stale: [] }),
      },
    }),
  },
  {
    // Either check alone keeps this away: what is settled is not outstanding any more, and until then
    // both commits say what the nodes answered. The fence spares the first pod an answer that is not so.
    name: 'commit-over-settled',
    about: 'a pod that lost the lease commits over what the next holder settled',
    provoke: busy(manyNodes(leasesPass)),
    script: (name, lua) =>
      [
        ['if held[1] ~= ARGV[3] or held[2] ~= ARGV[4] then', 'if false then'],
        [
          "if redis.call('HDEL', KEYS[4], ARGV[6]) == 0 then",
          "redis.call('HDEL', KEYS[4], ARGV[6])\nif false then",
        ],
      ].reduce(
        (text, [from = '', to = '']) => inScript('miroirCommitWrite', from, to)(name, text),
        lua,
      ),
  },
  {
    name: 'two-writers',
    about: 'the writer lease is given to everybody who asks',
    provoke: busy(manyNodes(leasesPass)),
    script: (name, lua) => {
      if (name === 'miroirAcquireWriter')
        return lua.replace('if untilMs > now then', 'if false then');
      if (name !== 'miroirBeginWrite') return lua;
      return lua.replace(
        'if held[1] ~= ARGV[5] or held[2] ~= ARGV[6] or tonumber(held[3]) <= now then',
        'if false then',
      );
    },
  },
  {
    name: 'join-with-open-journal',
    about: 'a copy joins although its journal names writes that it has not got',
    skips: ['verifyCopy'],
    provoke: manyNodes(moves),
    script: inScript(
      'miroirJoinTargets',
      "if redis.call('EXISTS', KEYS[i]) == 1 and raise ~= ARGV[7] then",
      'if false then',
    ),
    wrapTools: lastReadEmpty,
  },
  {
    name: 'no-identity',
    about: 'a node that came back empty is taken for the one that it was',
    settings: { MIROIR_HEALTH_CHECK_IDENTITY: 'false' },
    provoke: manyNodes(acting({ at: 900, act: { kind: 'node-emptied', node: 1, ms: 300 } })),
  },
  {
    name: 'nodes-without-order',
    about: 'a node gets the writes of an index as they come, not in the order in which they began',
    provoke: (story) => ({
      ...story,
      clients: story.clients.map((steps) =>
        steps.map((step) => (step.ask.kind === 'search' ? step : { ...step, hurried: true })),
      ),
    }),
    patch: () => {
      const onNode = Object.getOwnPropertyDescriptor(Flight.prototype, 'onNode') ?? {};
      Flight.prototype.onNode = async (_node, job) => await job();
      return () => Object.defineProperty(Flight.prototype, 'onNode', onNode);
    },
  },
  {
    name: 'no-revocation',
    about: 'a pod that is taken for dead keeps its key: its late requests land behind newer ones',
    provoke: oneCopy(overtaken(4)),
    wrapNodes: (nodes) => ({ ...nodes, revokeKey: () => Promise.resolve() }),
  },
];
