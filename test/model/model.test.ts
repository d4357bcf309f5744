/**
 * Goal: no interleaving of writes, searches, operations and faults breaks what the fleet promises, and
 * the checker that says so sees what is broken.
 * Method: a bounded number of the model's seeds (see `test/model/README.md`; `MODEL_SEED` and
 * `MODEL_COUNT` choose others), one seed twice, and mutations that the checker must notice.
 */
import { createHash } from 'node:crypto';
import { firstCaught, seedsFrom } from './mutate';
import { mutations } from './mutations';
import { runSeed } from './run';

jest.setTimeout(600_000);
jest.mock('@temporalio/workflow', () => ({
  ...jest.requireActual<object>('@temporalio/workflow'),
  ...jest.requireActual<{ workflowModule: object }>('./fleet/workflow-module').workflowModule,
}));

const from = Number(process.env['MODEL_SEED'] ?? '1');
const count = Number(process.env['MODEL_COUNT'] ?? '24');
const sizes = { steps: 48, acts: 6 };

test(`seeds ${String(from)} to ${String(from + count - 1)} break nothing`, async () => {
  const broken: object[] = [];
  for (let seed = from; seed < from + count; seed += 1) {
    const { violations } = await runSeed(seed, sizes);
    if (violations.length > 0) broken.push({ seed, sizes, violations });
  }
  expect(broken).toEqual([]);
});

test('a seed gives one run, event by event', async () => {
  const hashOf = async (): Promise<string> => {
    const { trace, lengthMs } = await runSeed(from, sizes);
    return createHash('sha256')
      .update(`${trace.join('\n')}${String(lengthMs)}`)
      .digest('hex');
  };
  expect(await hashOf()).toBe(await hashOf());
});

/** The first seed to try with each: most are noticed at once, and a change of the product shifts it. */
const noticed: Readonly<Record<string, number>> = {
  'no-bucket-filter': 1,
  'no-barrier': 3,
  'journal-crossed-unread': 1,
  'begin-without-journal': 1,
  'begin-with-old-epoch': 1,
  'last-copy-stale': 1,
  'missed-write-not-stale': 1,
  'two-writers': 12,
  'commit-over-settled': 1,
  'join-with-open-journal': 1,
  'nodes-without-order': 1,
  'no-revocation': 1,
  'no-identity': 1,
};

test.each(Object.entries(noticed))('the checker notices %s', async (name, seed) => {
  const mutation = mutations.find((one) => one.name === name);
  if (mutation === undefined) throw new Error(`There is no mutation ${name}.`);
  expect(await firstCaught(mutation, seedsFrom(seed, 8))).not.toBeNull();
});
