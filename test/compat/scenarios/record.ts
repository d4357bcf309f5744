/**
 * Goal: to note what a real Meilisearch answers to the scenarios beside this file.
 * Method: runs them on a fresh one and writes `expected.ndjson`, which `scenarios.test.ts` holds every
 * engine against. Needed when scenarios or the version of Meilisearch change.
 *
 *   npx tsc -p tsconfig.json --incremental false --outDir node_modules/.cache/compat
 *   MEILISEARCH_BIN=/path/to/meilisearch MIROIR_BUILT=$PWD/node_modules/.cache/compat \
 *     node node_modules/.cache/compat/test/compat/scenarios/record.js
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findEngine } from '../../../local/engines';
import { startNodeProcess } from '../../../local/node-process';
import { createSupervisor } from '../../../local/supervisor';
import { sideOf } from '../sides';
import { expectedFile, loadScenarios, runScenario } from './runner';

async function main(): Promise<void> {
  const engine = await findEngine(process.env, 'auto');
  if (!engine.name.startsWith('meilisearch')) throw new Error('MEILISEARCH_BIN names no engine.');
  const supervisor = createSupervisor();
  const directory = mkdtempSync(join(tmpdir(), 'miroir-scenarios-'));
  supervisor.removeAtEnd(directory);
  mkdirSync(join(directory, 'nodes'), { recursive: true });
  try {
    const masterKey = 'the-key-of-the-recorded-node';
    const context = { supervisor, directory, env: process.env };
    const launch = { id: 'recorded', group: 0, masterKey, port: 0 };
    const node = await startNodeProcess(context, engine, launch);
    const side = sideOf(node.url, masterKey);
    const lines: string[] = [];
    for (const scenario of loadScenarios()) {
      const { name } = scenario;
      lines.push(JSON.stringify({ name, seen: await runScenario(side, scenario) }));
    }
    writeFileSync(expectedFile, `${lines.join('\n')}\n`);
  } finally {
    await supervisor.close();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
