/**
 * Goal: "run now" of something short is answered with a run that began after the call, also while an
 * earlier run of it is still closing.
 * Method: runs that no worker takes, ended from outside, on a real Temporal.
 */
import { Client, Connection } from '@temporalio/client';
import { TemporalGateway } from '../../api/temporal-gateway';
import { temporalForTest } from '../support/temporal';

const temporal = temporalForTest();
const run = {
  workflowType: 'runCanary',
  workflowId: `${temporal.taskQueue}/canary`,
  args: [{ canary: 'golden' }],
};
let gateway: TemporalGateway;
let connection: Connection;
let client: Client;

beforeAll(async () => {
  gateway = new TemporalGateway(temporal);
  connection = await Connection.connect({ address: temporal.address });
  client = new Client({ connection, namespace: temporal.namespace });
});
afterEach(async () => {
  await client.workflow.getHandle(run.workflowId).terminate();
});
afterAll(async () => {
  await gateway.close();
  await connection.close();
});

test('a start of what is running is refused', async () => {
  await gateway.start(run);
  await expect(gateway.start(run)).rejects.toMatchObject({ code: 'miroir_operation_refused' });
});

test('a start after what is running waits for its end and begins anew', async () => {
  const first = await gateway.start(run);
  const second = gateway.startAfterRunning(run);
  await client.workflow.getHandle(run.workflowId).terminate();
  expect((await second).runId).not.toBe(first.runId);
});

test('what does not end in time is not waited for', async () => {
  await gateway.start(run);
  await expect(gateway.startAfterRunning(run)).rejects.toMatchObject({
    code: 'miroir_operation_refused',
  });
});
