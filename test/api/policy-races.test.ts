/**
 * Goal: whoever changes a policy at the same time as somebody else loses nothing: a pause stays a pause, what
 * is deleted stays deleted, and the schedule in Temporal says what the record says.
 * Method: one request is held in the middle of its change until another one has begun or is over; the other
 * is answered by another pod, or is a worker that makes the schedules at its start.
 */
import { Client, Connection } from '@temporalio/client';
import type { Store } from '../../store/types';
import { restoreSchedules } from '../../worker/schedules';
import { rolloverScheduleId } from '../../workflows/ids';
import { temporalForTest } from '../support/temporal';
import { waitFor } from '../support/wait-for';
import { fleetForTest } from './support';
import type { FleetForTest, Json, PodForTest } from './support';

jest.setTimeout(60_000);

const temporal = temporalForTest();
const name = `logs-${temporal.taskQueue}`;
const path = `/_miroir/rollover-policies/${name}`;
const silent = { debug: jest.fn(), info: jest.fn(), warn: jest.fn(), error: jest.fn() };

let fleet: FleetForTest;
let held: PodForTest;
let other: PodForTest;
let connection: Connection;
let client: Client;

/** The next read of a policy through the wrapped store waits for `open`. */
let gate: { reached: boolean; open: () => void; opened: Promise<void> } | null = null;
/** How often somebody was refused a lease, and so waits. */
let waiting = 0;

function withGate(store: Store): Store {
  const { rolloverPolicies: policies } = store;
  return {
    ...store,
    rolloverPolicies: {
      ...policies,
      async get(id) {
        const found = await policies.get(id);
        if (gate !== null) {
          gate.reached = true;
          await gate.opened;
        }
        return found;
      },
    },
  };
}

const countingLeases = (store: Store): Store => ({
  ...store,
  leases: {
    ...store.leases,
    async acquire(...args) {
      const lease = await store.leases.acquire(...args);
      if (lease === null) waiting += 1;
      return lease;
    },
  },
});

beforeAll(async () => {
  fleet = await fleetForTest({ nodes: 1, replicationFactor: 1, temporal });
  held = await fleet.pod({ wrapStore: withGate });
  other = await fleet.pod({ wrapStore: countingLeases });
  connection = await Connection.connect({ address: temporal.address });
  client = new Client({ connection, namespace: temporal.namespace });
});
afterAll(async () => {
  await operate(other, 'DELETE', path);
  await connection.close();
  await fleet.close();
});
beforeEach(async () => {
  await operate(other, 'DELETE', path);
  expect((await operate(other, 'PUT', path, policy(10))).status).toBe(201);
});

const operate = (pod: PodForTest, method: string, to: string, body?: unknown): Promise<Json> =>
  pod.send(method, to, body, { authorization: `Bearer ${fleet.config.api.adminKey}` });
const policy = (maxDocs: number): object => ({
  ...{ write_alias: 'logs', pattern: 'logs-{000001}', retention: { keep_indexes: 2 } },
  triggers: { max_docs: maxDocs, check_every: '1h' },
});
const schedule = () => client.schedule.getHandle(rolloverScheduleId(name)).describe();

/** Runs `first` up to its read of the policy, then `second` until it waits or is over, then both to their ends. */
async function interleaved<A, B>(
  first: () => Promise<A>,
  second: () => Promise<B>,
): Promise<{ first: A; second: B }> {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const mine = { reached: false, open, opened };
  gate = mine;
  waiting = 0;
  const one = first();
  await waitFor(() => mine.reached, { what: 'the first to be in the middle' });
  let over = false;
  const two = second().finally(() => {
    over = true;
  });
  await waitFor(() => over || waiting > 0, { what: 'the second to wait or to be over' });
  gate = null;
  open();
  return { first: await one, second: await two };
}

test('a pause during a change of the policy is not lost, and neither is the change', async () => {
  const { first, second } = await interleaved(
    () => operate(held, 'PUT', path, policy(20)),
    () => operate(other, 'POST', `${path}/pause`, { note: 'disk is full' }),
  );
  expect([first.status, second.status]).toEqual([200, 200]);
  expect((await operate(other, 'GET', path)).body).toMatchObject({
    ...{ enabled: false, pauseNote: 'disk is full', version: 2 },
    triggers: { max_docs: 20 },
  });
  expect((await schedule()).state).toMatchObject({ paused: true, note: 'disk is full' });
});

test('a policy that is deleted while it is changed is gone with its schedule', async () => {
  const { second } = await interleaved(
    () => operate(held, 'PUT', path, policy(20)),
    () => operate(other, 'DELETE', path),
  );
  expect(second.status).toBe(204);
  expect((await operate(other, 'GET', path)).status).toBe(404);
  await expect(schedule()).rejects.toThrow();
});

test('a pause while a worker makes the schedules at its start stays a pause', async () => {
  const { config } = fleet;
  const store = withGate(other.ctx.store);
  const { second } = await interleaved(
    () => restoreSchedules(client, { store, config, log: silent, owner: 'worker-1' }),
    () => operate(other, 'POST', `${path}/pause`, { note: 'later' }),
  );
  expect(second.status).toBe(200);
  expect((await schedule()).state).toMatchObject({ paused: true, note: 'later' });
});
