import { ApiClient } from '../../cli/client';
import { waitFor } from '../support/wait-for';
import { finish, finished, underFault } from './arena';
import type { Arena, ArenaOptions } from './arena';
import type { ClientReport } from './clients';
import type { Fault } from './fault';
import { soak } from './soak';

/**
 * A wall clock that jumps from five seconds late to five seconds early and back, once a second; loaded into every
 * process before its first line.
 */
const jumpingClock = `
const real = Date;
const now = () => real.now() + (Math.floor(real.now() / 1000) % 2 === 0 ? 5000 : -5000);
globalThis.Date = class extends real {
  constructor(...given) { super(...(given.length === 0 ? [now()] : given)); }
  static now() { return now(); }
};`;

/** How long a fault lasts: beyond the deadlines of a request, below those of an operation. */
const faultMs = Number(process.env['MIROIR_CHAOS_FAULT_MS'] ?? 6_000);

const lasts = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const fault =
  (
    act: (arena: Arena) => Promise<void>,
    allowed: readonly string[] = [],
    options: Omit<ArenaOptions, 'seed'> = {},
  ) =>
  (seed: number): Promise<ClientReport> =>
    underFault({ seed, ...options }, act, allowed);

/** A client behind a load balancer that has not noticed yet sees its connection end. */
const podIsAway = ['connection', 'miroir_not_ready'];
/** Writes and control need Redis; the docs name these for as long as it is away. */
const redisIsAway = ['miroir_not_ready', 'miroir_store_unavailable', 'connection'];

export const processFaults: readonly Fault[] = [
  {
    id: '2',
    name: 'an api pod is killed in the middle of writes, again and again',
    inCi: true,
    run: fault(
      async ({ fleet }) => {
        for (let round = 0; round < 3; round += 1) {
          await lasts(faultMs / 4);
          await fleet.killApi(round % 2);
          await lasts(faultMs / 4);
          await fleet.startApi(round % 2);
        }
      },
      podIsAway,
      { apis: 2 },
    ),
  },
  {
    id: '3',
    name: 'a node is killed in the middle of writes and comes back',
    inCi: true,
    run: fault(async ({ fleet }) => {
      await fleet.killNode('meili-1');
      await lasts(faultMs);
      await fleet.restartNode('meili-1');
    }),
  },
  {
    id: '4',
    name: 'a node stops for a while and answers nothing',
    inCi: false,
    run: fault(async ({ fleet }) => {
      fleet.pauseNode('meili-1');
      await lasts(faultMs);
      fleet.resumeNode('meili-1');
    }),
  },
  {
    id: '4b',
    name: 'one node is slow by 200 ms',
    inCi: false,
    run: fault(({ network }) =>
      network.while({ part: 'meili-1', state: { kind: 'open', delayMs: 200 } }, () =>
        lasts(faultMs),
      ),
    ),
  },
  { id: '5', name: 'all nodes are slow at once: load is not doubled', inCi: false, run: allSlow },
  {
    id: '6',
    name: 'Redis is killed and comes back with its append-only file',
    inCi: true,
    run: fault(async ({ fleet }) => {
      await fleet.killRedis();
      await lasts(faultMs / 2);
      await fleet.startRedis();
    }, redisIsAway),
  },
  {
    id: '7',
    name: 'Redis answers half a second late',
    inCi: false,
    run: fault(({ network }) =>
      network.while({ part: 'redis', state: { kind: 'open', delayMs: 250 } }, () => lasts(faultMs)),
    ),
  },
  {
    id: '8a',
    name: 'a node is cut off from everybody',
    inCi: false,
    run: fault(({ network }) =>
      network.while({ part: 'meili-2', state: { kind: 'cut' } }, () => lasts(faultMs)),
    ),
  },
  {
    id: '8b',
    name: 'requests reach a node, its answers are lost',
    inCi: true,
    run: fault(({ network }) =>
      network.while({ part: 'meili-0', state: { kind: 'deaf' } }, () => lasts(faultMs)),
    ),
  },
  {
    id: '8c',
    name: 'one pod loses Redis for longer than its lease, the other takes its indexes over',
    inCi: false,
    run: fault(
      ({ network }) =>
        network.while({ part: 'redis', user: 'api-0', state: { kind: 'frozen' } }, () =>
          lasts(3 * faultMs),
        ),
      redisIsAway,
      { apis: 2 },
    ),
  },
  {
    id: '8d',
    name: 'the links to all nodes fail one by one and heal in another order',
    inCi: false,
    run: fault(
      async ({ network, random }) => {
        const links = ['meili-0', 'meili-1', 'meili-2'].flatMap((node) => network.to(node));
        for (const link of shuffled(links, random)) {
          link.set({ kind: 'frozen' });
          await lasts(faultMs / 6);
        }
        for (const link of shuffled(links, random)) {
          link.heal();
          await lasts(faultMs / 6);
        }
      },
      ['miroir_shard_unavailable', 'miroir_no_quorum', 'connection', 'degraded'],
    ),
  },
  {
    id: '8e',
    name: 'the worker is cut off from Temporal while a node is added',
    inCi: false,
    run: fault(async ({ fleet, network, api }) => {
      const { id, url, group } = await fleet.addNodeProcess({ group: 0 });
      const started = await api.post<{ operation: string }>('/_miroir/nodes', {
        ...{ id, url, group, autoApprove: true },
      });
      const bad = { part: 'temporal', user: 'worker-0', state: { kind: 'cut' } } as const;
      await network.while(bad, () => lasts(faultMs));
      expect((await finished(api, started.operation)).status).toBe('succeeded');
    }),
  },
  { id: '10', name: 'the disk of a new node is full', inCi: false, run: fault(fullDisk) },
  {
    id: '14',
    name: 'the clocks of all processes jump by ten seconds, forth and back, while a node is added',
    inCi: false,
    run: fault(
      async ({ fleet, api }) => {
        const { id, url, group } = await fleet.addNodeProcess({ group: 0 });
        const added = await finish(api, '/_miroir/nodes', { id, url, group });
        expect(added.status).toBe('succeeded');
      },
      [],
      {
        apis: 2,
        settings: {
          NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(jumpingClock)}`,
        },
      },
    ),
  },
  { id: '19', name: 'an alias flips under load', inCi: false, run: fault(aliasFlips) },
  {
    id: '23',
    name: 'Temporal is away while a node is drained, and comes back',
    inCi: false,
    run: fault(
      async ({ fleet, api }) => {
        const drain = await api.post<{ operation: string }>('/_miroir/nodes/meili-0/drain', {
          autoApprove: true,
        });
        await fleet.killTemporal();
        await expect(api.post('/_miroir/nodes/meili-1/drain', {})).rejects.toMatchObject({
          code: 'miroir_control_plane_unavailable',
        });
        await lasts(faultMs);
        await fleet.startTemporal();
        expect((await finished(api, drain.operation)).status).toBe('succeeded');
      },
      [],
      { nodes: 4 },
    ),
  },
  soak,
];

/** So many that the few hedges which a quiet time saves up hardly count. */
const searchesToCount = 200;

/** Hedges and retries must not double the work of nodes that are all slow. */
async function allSlow(seed: number): Promise<ClientReport> {
  const options = { seed, replicationFactor: 2, clients: { searchers: 6 } };
  return await underFault(options, async ({ network, clients }) => {
    const links = ['meili-0', 'meili-1', 'meili-2'].flatMap((node) => network.to(node));
    const perSearch = async (): Promise<number> => {
      const sent = links.reduce((sum, link) => sum + link.searches, 0);
      const { searches } = clients.report();
      const isEnough = (): boolean => clients.report().searches - searches >= searchesToCount;
      await waitFor(isEnough, { what: 'enough searches', deadlineMs: 120_000 });
      const now = links.reduce((sum, link) => sum + link.searches, 0);
      return (now - sent) / (clients.report().searches - searches);
    };
    const before = await perSearch();
    for (const link of links) link.set({ kind: 'open', delayMs: 200 });
    const during = await perSearch();
    for (const link of links) link.heal();
    expect(during / before).toBeLessThan(1.2);
  });
}

async function fullDisk({ fleet, api }: Arena): Promise<void> {
  const { id, url, group } = await fleet.addNodeProcess({ group: 0 });
  if (fleet.engine !== 'embedded') {
    // A real engine has no switch for it; the embedded node says what the real one says.
    return;
  }
  await fetch(`${url}/__faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${fleet.nodeKey}` },
    body: JSON.stringify({ action: { kind: 'diskFull' } }),
  });
  const added = await finish(api, '/_miroir/nodes', { id, url, group });
  expect(added.status).toBe('failed');
  expect(JSON.stringify(added.error)).toMatch(/no_space_left_on_device|disk/i);
  await fetch(`${url}/__faults`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${fleet.nodeKey}` },
  });
}

/** Each answer comes from one target alone, and none is refused. */
async function aliasFlips({ fleet, api }: Arena): Promise<void> {
  const targets = ['edition-1', 'edition-2'];
  for (const uid of targets) {
    const documents = Array.from({ length: 50 }, (_, id) => ({ id, edition: uid }));
    const { taskUid } = await api.post<{ taskUid: number }>(`/indexes/${uid}/documents`, documents);
    await api.waitTask(taskUid);
  }
  await api.put('/_miroir/aliases/edition', { target: targets[0] });
  const { masterKey, adminKey } = fleet;
  const readers = fleet.apis.map((url) => new ApiClient({ api: url, masterKey, adminKey }));
  let over = false;
  let answers = 0;
  const read = async (): Promise<void> => {
    while (!over) {
      for (const reader of readers) {
        const { hits } = await reader.post<{ hits: { edition: string }[] }>(
          '/indexes/edition/search',
          { limit: 100 },
        );
        expect(hits).toHaveLength(50);
        expect(new Set(hits.map((hit) => hit.edition)).size).toBe(1);
        answers += 1;
      }
    }
  };
  const reading = Promise.all([read(), read(), read(), read()]);
  const end = Date.now() + faultMs;
  for (let flip = 1; Date.now() < end; flip += 1) {
    await api.put('/_miroir/aliases/edition', { target: targets[flip % 2] });
  }
  over = true;
  await reading;
  expect(answers).toBeGreaterThan(100);
  await deleteIndexes(api, targets);
}

async function deleteIndexes(api: ApiClient, uids: readonly string[]): Promise<void> {
  await api.delete('/_miroir/aliases/edition');
  for (const uid of uids) {
    const { taskUid } = await api.delete<{ taskUid: number }>(`/indexes/${uid}`);
    await api.waitTask(taskUid);
  }
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}
