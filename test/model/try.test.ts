import { runSeed } from './run';
test('try', async () => {
  const from = Number(process.env['MODEL_SEED'] ?? '1');
  const count = Number(process.env['MODEL_COUNT'] ?? '1');
  const out: string[] = [];
  const begun = performance.now();
  for (let seed = from; seed < from + count; seed += 1) {
    const t0 = performance.now();
    const r = await runSeed(seed);
    const ms = performance.now() - t0;
    if (r.violations.length > 0 || count === 1)
      out.push(
        `seed ${seed} ${ms.toFixed(0)}ms model ${r.lengthMs.toFixed(0)} w${r.writes} s${r.searches} ${JSON.stringify(r.errors)}\n  ${r.violations.map((v) => v.slice(0, 600)).join('\n  ')}`,
      );
    if (process.env['MODEL_TRACE'] !== undefined)
      require('fs').writeFileSync(process.env['MODEL_TRACE'], r.trace.join('\n'));
  }
  out.push(`total ${(performance.now() - begun).toFixed(0)} ms for ${count}`);
  process.stderr.write(out.join('\n') + '\n');
}, 600_000);
