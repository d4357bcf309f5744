/**
 * Goal: a migration is started with bad input refused by name, and the old instance's key leaves the request
 * only sealed.
 * Method: a pod before an embedded node with a stand-in for Temporal that keeps what it is asked to start.
 */
import type { MigrationInput } from '../../core/migration';
import type { StartRun, TemporalGateway } from '../../api/temporal-gateway';
import { seal, unseal } from '../../store/sealed';
import { fleetForTest } from './support';
import type { FleetForTest, Json, PodForTest } from './support';

let fleet: FleetForTest;
let pod: PodForTest;
const started: StartRun[] = [];
let fails = false;

beforeAll(async () => {
  fleet = await fleetForTest({ nodes: 1, replicationFactor: 1 });
  pod = await fleet.pod();
  const gateway = {
    start: (run: StartRun) => {
      if (fails) return Promise.reject(new Error('Temporal is away'));
      started.push(run);
      return Promise.resolve({ workflowId: run.workflowId, runId: 'run-1' });
    },
    close: () => Promise.resolve(),
  };
  Object.assign(pod.ctx, { temporal: gateway as unknown as TemporalGateway });
});
afterAll(async () => fleet.close());

const post = (body: object): Promise<Json> =>
  pod.send('POST', '/_miroir/migrations', body, {
    authorization: `Bearer ${fleet.config.api.adminKey}`,
  });

const url = 'http://93.184.216.34:7700';
const key = 'the-master-key-of-the-old-one';

test('the key is sealed in the store, and nothing else carries it', async () => {
  const answer = await post({ url: `${url}/`, key, indexes: ['films'], who: 'ada' });
  expect(answer.status).toBe(202);
  const [run] = started;
  expect(run?.workflowId).toBe('migration/http~3a~2f~2f93.184.216.34~3a7700');
  const input = run?.args[0] as MigrationInput;
  expect(input).toMatchObject({
    ...{ indexes: ['films'], keys: true, who: 'ada', options: { followEveryMs: 30_000 } },
    source: { url, secret: expect.any(String) as string },
  });
  expect(JSON.stringify(run)).not.toContain(key);
  const record = await pod.ctx.store.secrets.get(input.source.secret ?? '');
  expect(record?.sealed).not.toContain(key);
  expect(unseal(fleet.config.nodes.key, record?.sealed ?? '')).toBe(key);
  const noted = await pod.ctx.store.audit.list({ before: null, limit: 10 });
  expect(noted[0]).toMatchObject({ action: 'POST /_miroir/migrations', details: { url } });
  expect(JSON.stringify(noted)).not.toContain(key);
});

test('a start that failed leaves no key behind', async () => {
  fails = true;
  const before = await pod.ctx.store.secrets.count();
  expect((await post({ url, key })).status).toBe(500);
  fails = false;
  expect(await pod.ctx.store.secrets.count()).toBe(before);
});

test.each([
  [{}, '`url`'],
  [{ url: 'ftp://old' }, '`.url`'],
  [{ url: 'http://user:secret@old:7700' }, '`.url`'],
  [{ url: 'http://old:7700?key=secret' }, '`.url`'],
  [{ url: 'http://169.254.169.254/' }, '`.url`'],
  [{ url, indexes: 'films' }, '`.indexes`'],
  [{ url, followEveryMs: 1 }, '`.followEveryMs`'],
  [{ url, master: 'x' }, '`master`'],
])('%j is refused by name', async (body, name) => {
  const answer = await post(body);
  expect(answer.status).toBe(400);
  expect(String(answer.body['message'])).toContain(name);
});

test('a sealed text opens with its own key only, and not when it was touched', () => {
  const sealed = seal('a', 'text');
  expect(unseal('a', sealed)).toBe('text');
  expect(unseal('b', sealed)).toBeNull();
  expect(unseal('a', `${sealed}AA`)).toBeNull();
  expect(unseal('a', sealed.replace('v1', 'v2'))).toBeNull();
  expect(unseal('a', 'nonsense')).toBeNull();
  expect(seal('a', 'text')).not.toBe(sealed);
});
