import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startValkey } from '../../local/redis';
import { createSupervisor } from '../../local/supervisor';
import type { Supervisor } from '../../local/supervisor';
import { startTemporal } from '../../local/temporal';
import type { NeededParts } from './needed-parts';
import { bundleWorkflows } from './workflow-bundle';

const namespace = 'default';

/** Starts what the run needs, side by side, and tells the test files by environment variables. */
export async function startParts(needed: NeededParts): Promise<Supervisor> {
  const supervisor = createSupervisor();
  const directory = mkdtempSync(join(tmpdir(), 'miroir-test-'));
  supervisor.removeAtEnd(directory);
  const context = { supervisor, directory, env: process.env };
  const redis = async (): Promise<void> => {
    const part = await startValkey(context, { persistent: false });
    process.env['MIROIR_TEST_REDIS_URL'] = part.url;
  };
  const temporal = async (): Promise<void> => {
    const part = await startTemporal(context, { persistent: false, namespace, ui: false });
    process.env['MIROIR_TEST_TEMPORAL_ADDRESS'] = part.address;
    process.env['MIROIR_TEST_TEMPORAL_NAMESPACE'] = namespace;
  };
  const bundle = async (): Promise<void> => {
    process.env['MIROIR_TEST_WORKFLOW_BUNDLE'] = (await bundleWorkflows()) ?? '';
  };
  try {
    await Promise.all([
      ...(needed.redis ? [redis()] : []),
      ...(needed.temporal ? [temporal(), bundle()] : []),
    ]);
  } catch (error) {
    await supervisor.close();
    throw error;
  }
  return supervisor;
}
