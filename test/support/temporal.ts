import { randomUUID } from 'node:crypto';
import { requiredEnv } from './env';

export interface TemporalForTest {
  readonly address: string;
  readonly namespace: string;
  /** A task queue that no other test file has: the namespace is shared by the run. */
  readonly taskQueue: string;
  /** Code of all workflows, bundled once for the run; `null` while there are no workflows. */
  readonly workflowBundlePath: string | null;
}

/**
 * The run's one Temporal. The namespace is shared: a file that needs its own workflow ids must put
 * `taskQueue` (or another unique text) into them.
 */
export function temporalForTest(): TemporalForTest {
  const bundle = process.env['MIROIR_TEST_WORKFLOW_BUNDLE'];
  return {
    address: requiredEnv('MIROIR_TEST_TEMPORAL_ADDRESS'),
    namespace: requiredEnv('MIROIR_TEST_TEMPORAL_NAMESPACE'),
    taskQueue: `test-${randomUUID().slice(0, 8)}`,
    workflowBundlePath: bundle === undefined || bundle === '' ? null : bundle,
  };
}
