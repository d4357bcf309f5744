/**
 * Goal: thousands of seeds of the model, replay of one, and proof that the checker sees what is broken.
 * Method: see `test/model/README.md`.
 *
 *   npx tsc -p tsconfig.json --incremental false --outDir node_modules/.cache/model
 *   node node_modules/.cache/model/test/model/main.js --seed 1 --count 2000
 *   node node_modules/.cache/model/test/model/main.js --seed 17 --trace
 *   node node_modules/.cache/model/test/model/main.js --mutations --count 40
 */
import { parseArgs } from 'node:util';
import './fleet/use-workflows';
import { mutations } from './mutations';
import { firstCaught, seedsFrom } from './mutate';
import type { RunResult } from './run';
import { runStory } from './run';
import { shrunk } from './story/shrink';
import { defaultSizes, generateStory } from './story/generate';
import type { Sizes } from './story/generate';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '1' },
    steps: { type: 'string', default: String(defaultSizes.steps) },
    acts: { type: 'string', default: String(defaultSizes.acts) },
    trace: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    mutations: { type: 'boolean', default: false },
    mutation: { type: 'string' },
    provoked: { type: 'string' },
  },
});
const [from, count] = [Number(values.seed), Number(values.count)];
const sizes: Sizes = { steps: Number(values.steps), acts: Number(values.acts) };
const provoke = mutations.find(({ name }) => name === values.provoked)?.provoke;
const print = (text: string): void => void process.stdout.write(`${text}\n`);

function report(result: RunResult): void {
  const { seed, violations, writes, searches, lengthMs } = result;
  const length = (lengthMs / 1000).toFixed(1);
  print(
    `seed ${String(seed)}: ${String(writes)} writes, ${String(searches)} searches, ${length} s`,
  );
  for (const violation of violations) print(`  ${violation}`);
}

async function runSeeds(): Promise<number> {
  const begun = process.hrtime.bigint();
  const totals = { writes: 0, searches: 0, bad: 0 };
  let done = 0;
  for (const seed of seedsFrom(from, count)) {
    const story = generateStory(seed, sizes);
    const result = await runStory(provoke?.(story) ?? story);
    done += 1;
    if (done % 100 === 0) print(`${String(done)} seeds done`);
    totals.writes += result.writes;
    totals.searches += result.searches;
    if (result.violations.length > 0 || values.trace) report(result);
    if (result.violations.length > 0) {
      totals.bad += 1;
      print(
        `  replay: --seed ${String(seed)} --steps ${values.steps} --acts ${values.acts} --trace`,
      );
      if (values.shrink) await shrinkSeed(seed);
    }
    if (values.trace) print(result.trace.join('\n'));
  }
  const seconds = Number((process.hrtime.bigint() - begun) / 1_000_000n) / 1000;
  print(
    `${String(count)} seeds from ${String(from)}: ${String(totals.bad)} with a violation, ${String(totals.writes)} writes, ${String(totals.searches)} searches, ${seconds.toFixed(1)} s`,
  );
  return totals.bad;
}

async function shrinkSeed(seed: number): Promise<void> {
  const story = await shrunk(generateStory(seed, sizes), async (smaller) => {
    const { violations } = await runStory(smaller);
    return violations.length > 0;
  });
  print(JSON.stringify(story));
  print((await runStory(story)).trace.join('\n'));
}

async function runMutations(): Promise<number> {
  let missed = 0;
  for (const mutation of mutations) {
    if (values.mutation !== undefined && values.mutation !== mutation.name) continue;
    const caught = await firstCaught(mutation, seedsFrom(from, count), sizes);
    if (caught === null) missed += 1;
    print(
      caught === null
        ? `${mutation.name}: NOT NOTICED in ${String(count)} seeds`
        : `${mutation.name}: seed ${String(caught.seed)}: ${caught.violation.slice(0, 160)}`,
    );
  }
  return missed;
}

void (values.mutations || values.mutation !== undefined ? runMutations() : runSeeds()).then(
  (bad) => {
    process.exit(bad === 0 ? 0 : 1);
  },
);
