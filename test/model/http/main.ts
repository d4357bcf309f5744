/**
 * Goal: the model's stories on real processes over HTTP: api pods, a worker, nodes, Valkey and Temporal.
 * Method: see `test/model/README.md`. A seed tells the same story again; the processes take their own time.
 *
 *   npx tsc -p tsconfig.json --incremental false --outDir node_modules/.cache/model
 *   node node_modules/.cache/model/test/model/http/main.js --seed 1 --count 20
 *   MEILISEARCH_BIN=/path/to/meilisearch node … --seed 1 --count 3
 */
import { parseArgs } from 'node:util';
import { runOverHttp } from './http-run';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '1' },
    steps: { type: 'string', default: '70' },
    acts: { type: 'string', default: '7' },
    trace: { type: 'boolean', default: false },
  },
});
const print = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<number> {
  const sizes = { steps: Number(values.steps), acts: Number(values.acts) };
  const [from, count] = [Number(values.seed), Number(values.count)];
  let bad = 0;
  for (let seed = from; seed < from + count; seed += 1) {
    const result = await runOverHttp(seed, sizes);
    const { engine, violations, writes, searches, judged, lengthMs, errors } = result;
    print(
      `seed ${String(seed)} on ${engine}: ${String(writes)} writes, ${String(searches)} searches (${String(judged)} judged), ${(lengthMs / 1000).toFixed(1)} s, ${String(violations.length)} violations ${JSON.stringify(errors)}`,
    );
    if (values.trace) print(result.trace.join('\n'));
    if (violations.length === 0) continue;
    bad += 1;
    for (const violation of violations) print(`  ${violation}`);
    print(`  again: --seed ${String(seed)} --steps ${values.steps} --acts ${values.acts} --trace`);
  }
  print(`${String(count)} seeds from ${String(from)}: ${String(bad)} with a violation`);
  return bad;
}

void main().then(
  (bad) => process.exit(bad === 0 ? 0 : 1),
  (error: unknown) => {
    print(String((error as Error).stack));
    process.exit(1);
  },
);
