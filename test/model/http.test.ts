/**
 * Goal: the model's stories hold on real processes too: api pods, a worker, nodes, Valkey and Temporal, over
 * HTTP and in real time.
 * Method: two seeds with the model's own generator, log and checker (`test/model/http`; `MODEL_HTTP_SEED`
 * and `MODEL_HTTP_COUNT` choose others); more of them by its command.
 */
import { runOverHttp } from './http/http-run';

jest.setTimeout(600_000);

const from = Number(process.env['MODEL_HTTP_SEED'] ?? '1');
const count = Number(process.env['MODEL_HTTP_COUNT'] ?? '2');
const sizes = { steps: 40, acts: 4 };
const seeds = Array.from({ length: count }, (_, at) => from + at);

test.each(seeds)('seed %i breaks nothing on processes', async (seed) => {
  const { violations, writes, searches, trace } = await runOverHttp(seed, sizes);
  const replay = violations.length === 0 ? [] : trace;
  expect({ seed, sizes, violations, replay }).toEqual({ seed, sizes, violations: [], replay: [] });
  expect(writes).toBeGreaterThan(10);
  expect(searches).toBeGreaterThan(0);
});
