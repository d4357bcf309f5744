import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';

const root = resolve(__dirname, '..', '..');
const cache = join(root, 'node_modules', '.cache', 'miroir-test-bundles');

/**
 * Path of the bundled workflows, or `null` while `workflows/index.ts` is not there. Bundling takes
 * seconds, so the result is kept under a hash of the sources.
 */
export async function bundleWorkflows(): Promise<string | null> {
  const entry = join(root, 'workflows', 'index.ts');
  if (!existsSync(entry)) return null;
  const path = join(cache, `${sourcesHash()}.js`);
  if (existsSync(path)) return path;
  const { code } = await bundleWorkflowCode({
    workflowsPath: entry,
    workflowInterceptorModules: [join(root, 'workflows', 'interceptors.ts')],
    logger: silent,
  });
  mkdirSync(cache, { recursive: true });
  // Written beside and renamed: a reader never sees half a bundle.
  const beside = `${path}.${String(process.pid)}`;
  writeFileSync(beside, code);
  renameSync(beside, path);
  return path;
}

function sourcesHash(): string {
  const hash = createHash('sha256');
  // Workflows import only types from elsewhere, so their own folder and the SDK decide the bundle.
  const folder = join(root, 'workflows');
  for (const name of readdirSync(folder, { recursive: true }).map(String).sort()) {
    if (name.endsWith('.ts')) hash.update(`${name}\0`).update(readFileSync(join(folder, name)));
  }
  hash.update(readFileSync(require.resolve('@temporalio/workflow/package.json')));
  return hash.digest('hex').slice(0, 20);
}

const silent = {
  log: () => undefined,
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
