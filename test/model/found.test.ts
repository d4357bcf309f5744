/**
 * Goal: the stories that found the most interesting bugs stay without a violation, and a bug that can
 * be put back from outside is found again.
 * Method: the seeds of `test/model/found.ts`, run again. A change of the product shifts what a seed does,
 * so each bug has a test of its own too (`test/model/README.md`).
 */
import { found } from './found';
import { firstCaught, seedsFrom } from './mutate';
import { mutations } from './mutations';
import { runStory } from './run';
import { generateStory } from './story/generate';

jest.setTimeout(300_000);
jest.mock('@temporalio/workflow', () => ({
  ...jest.requireActual<object>('@temporalio/workflow'),
  ...jest.requireActual<{ workflowModule: object }>('./fleet/workflow-module').workflowModule,
}));

test.each(found)('seed $seed: $wrong', async ({ seed, sizes, provoked }) => {
  const story = generateStory(seed, sizes);
  const provoke = mutations.find(({ name }) => name === provoked)?.provoke;
  const { violations } = await runStory(provoke?.(story) ?? story);
  expect(violations).toEqual([]);
});

test.each(found.filter(({ mutation }) => mutation !== null))(
  'the checker finds it again: $wrong',
  async ({ mutation: name, seed }) => {
    const mutation = mutations.find((one) => one.name === name);
    if (mutation === undefined) throw new Error(`There is no mutation ${String(name)}.`);
    expect(await firstCaught(mutation, seedsFrom(seed, 1))).not.toBeNull();
  },
);
