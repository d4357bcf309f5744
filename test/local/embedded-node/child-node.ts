/** An embedded node in a process of its own, so that a test can kill it. */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const MAIN = join(__dirname, '../../../local/embedded-node/main.ts');

/** Compiles TypeScript as it is required; the process entry is started from its source. */
const LOADER = `
  const { readFileSync } = require('node:fs');
  const { transformSync } = require('@swc/core');
  require.extensions['.ts'] = (module, file) => {
    const jsc = { target: 'es2022', parser: { syntax: 'typescript' } };
    const options = { filename: file, jsc, module: { type: 'commonjs' }, swcrc: false };
    module._compile(transformSync(readFileSync(file, 'utf8'), options).code, file);
  };
  require(${JSON.stringify(MAIN)});
`;

export interface ChildNode {
  readonly url: string;
  readonly process: ChildProcessWithoutNullStreams;
  /** Resolves with the signal or exit code when the process has ended. */
  readonly ended: Promise<string | number | null>;
}

/** Starts the process entry and waits for its first line. Rejects when it ends before. */
export async function startChildNode(dataDir: string, masterKey: string): Promise<ChildNode> {
  const args = ['--port', '0', '--master-key-env', 'TEST_MASTER_KEY', '--data-dir', dataDir];
  const child = spawn(process.execPath, ['-e', LOADER, '--', ...args], {
    env: { ...process.env, TEST_MASTER_KEY: masterKey },
    cwd: join(__dirname, '../../..'),
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise<string | number | null>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? code));
  });
  const line = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).once('line', resolve);
  });
  const first = await Promise.race([
    line,
    ended.then((outcome) => {
      throw new Error(`The node ended with ${String(outcome)}: ${errors}`);
    }),
  ]);
  return { url: (JSON.parse(first) as { url: string }).url, process: child, ended };
}
