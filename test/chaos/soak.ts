/**
 * Goal: a fleet grows from three nodes to four and shrinks again under writers and searchers that never
 * pause, while the worker, the api pods, a node and Redis are killed in turn: nothing acknowledged is
 * lost, no delete is back, and no answer misses or doubles a document.
 * Method: real processes. The size is small by default; the full run is
 * `MIROIR_SOAK_DOCUMENTS=100000 MIROIR_SOAK_WRITES_PER_SECOND=200 MIROIR_SOAK_BATCH=50 MIROIR_SOAK_PAUSE_MS=10000`;
 * without a batch each write is a request and a task of its own, and small machines do not reach the rate.
 */
import type { ApiClient } from '../../cli/client';
import { waitFor } from '../support/wait-for';
import { finish, repairStale, underFault } from './arena';
import type { Arena } from './arena';
import type { ClientReport } from './clients';
import type { Fault } from './fault';

const { env } = process;
const documents = Number(env['MIROIR_SOAK_DOCUMENTS'] ?? 600);
const writesPerSecond = Number(env['MIROIR_SOAK_WRITES_PER_SECOND'] ?? 40);
const batch = Number(env['MIROIR_SOAK_BATCH'] ?? 1);
const pauseMs = Number(env['MIROIR_SOAK_PAUSE_MS'] ?? 2_500);
/** A sync is undone when its source dies, and what was not finished is planned anew. */
const triesMax = 6;

/**
 * While a pod or Redis is away; `docs/operating/failures.md` names them. A pod that dies in the middle of a write
 * leaves copies stale that it had not reached: when the node of the other copy dies before they are repaired,
 * writes to these shards are refused as with one copy.
 */
const allowed = ['connection', 'miroir_not_ready', 'miroir_store_unavailable', 'miroir_no_quorum'];

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Victim {
  readonly name: string;
  kill(): Promise<void>;
  revive(): Promise<void>;
}

const victimsOf = ({ fleet }: Arena): readonly Victim[] => [
  { name: 'worker', kill: () => fleet.killWorker(), revive: () => fleet.startWorker() },
  { name: 'api-0', kill: () => fleet.killApi(0), revive: () => fleet.startApi(0) },
  // Always the same one: a second node that dies while this one is stale would take the last copy.
  {
    name: 'meili-1',
    kill: () => fleet.killNode('meili-1'),
    revive: () => fleet.restartNode('meili-1'),
  },
  { name: 'redis', kill: () => fleet.killRedis(), revive: () => fleet.startRedis() },
  { name: 'api-1', kill: () => fleet.killApi(1), revive: () => fleet.startApi(1) },
];

/** Kills one part after the other for as long as `work` goes on, and at least each of them once. */
async function killingInTurn(arena: Arena, work: () => Promise<void>): Promise<string[]> {
  const victims = victimsOf(arena);
  const killed: string[] = [];
  let over = false;
  const killer = async (): Promise<void> => {
    for (let turn = 0; !over || turn < victims.length; turn += 1) {
      const victim = victims[turn % victims.length] as Victim;
      await pause(pauseMs);
      await victim.kill();
      killed.push(victim.name);
      await pause(pauseMs);
      await victim.revive();
    }
  };
  const killing = killer();
  try {
    await work();
  } finally {
    over = true;
    await killing;
  }
  return killed;
}

/** Tries again what a dying source has undone, as an operator does; each try ends before or after, never between. */
async function untilItSucceeds(
  api: ApiClient,
  first: readonly [path: string, body: object],
  again: readonly [path: string, body: object] = first,
): Promise<void> {
  const ends: string[] = [];
  while (ends.length < triesMax) {
    const [path, body] = ends.length === 0 ? first : again;
    const { status, error } = await finish(api, path, body);
    if (status === 'succeeded') return;
    ends.push(`${status}: ${JSON.stringify(error)}`);
    await repairStale(api);
  }
  throw new Error(`${first[0]} never succeeded: ${ends.join('; ')}`);
}

async function growAndShrink(seed: number): Promise<ClientReport> {
  // Each lane waits for its task before it goes on, so a few of them could not keep the rate.
  const lanes = Math.max(Math.ceil(writesPerSecond / 2 / batch), Math.min(10, writesPerSecond));
  const size = { documents, writesPerSecond, batch, lanes };
  const killed: string[] = [];
  const report = await underFault(
    { seed, apis: 2, clients: { ...size, window: Math.min(documents, 1_000) } },
    async (arena) => {
      const { fleet, api } = arena;
      const { id, url, group } = await fleet.addNodeProcess({ group: 0 });
      // The node itself stays when a move to it was undone; a rebalance goes on from there.
      const add = (): Promise<void> =>
        untilItSucceeds(
          api,
          ['/_miroir/nodes', { id, url, group }],
          ['/_miroir/rebalance', { group }],
        );
      killed.push(...(await killingInTurn(arena, add)));
      await untilItSucceeds(api, ['/_miroir/nodes/meili-0/drain', {}]);
      const left = await waitFor(
        () => api.get<{ results: object[] }>('/_miroir/shards?node=meili-0'),
        { what: 'the shards of the drained node' },
      );
      expect(left.results).toEqual([]);
    },
    allowed,
  );
  expect(new Set(killed).size).toBe(5);
  return report;
}

/** Row 25 of the table: everything in turn. Too long for every run of the tests. */
export const soak: Fault = {
  ...{ id: '25', name: 'a fleet grows and shrinks while everything is killed in turn' },
  ...{ inCi: false, run: growAndShrink },
};
