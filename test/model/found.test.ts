/**
 * Goal: the stories that found the most interesting bugs stay without a violation.
 * Method: the seeds of `test/model/found.ts`, run again. A change of the product shifts what a seed does,
 * so each bug has a test of its own too (`test/model/README.md`).
 */
import { found } from './found';
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
