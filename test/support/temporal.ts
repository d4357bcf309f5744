import { randomUUID } from 'node:crypto';
import { Connection } from '@temporalio/client';
import { requiredEnv } from './env';
import { waitFor } from './wait-for';

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

/** The same Temporal with a namespace of the file's own, for what has fixed ids. */
export async function ownNamespaceForTest(): Promise<TemporalForTest> {
  const temporal = temporalForTest();
  const namespace = `own-${randomUUID().slice(0, 8)}`;
  const connection = await Connection.connect({ address: temporal.address });
  try {
    const workflowExecutionRetentionPeriod = { seconds: 86_400 };
    await connection.workflowService.registerNamespace({
      ...{ namespace, workflowExecutionRetentionPeriod: workflowExecutionRetentionPeriod as never },
    });
    // It is known everywhere a moment later.
    await waitFor(() => connection.workflowService.describeNamespace({ namespace }), {
      what: `the namespace ${namespace}`,
    });
  } finally {
    await connection.close();
  }
  return { ...temporal, namespace };
}
