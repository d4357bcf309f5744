import type { Connection } from '@temporalio/client';

/** Whether a Temporal server answers at `host:port` and has the namespace. Never throws. */
export async function temporalAnswers(address: string, namespace: string): Promise<boolean> {
  let connection: Connection | undefined;
  try {
    // Loaded here, because it takes twice as long as all the rest of the command line.
    const client = await import('@temporalio/client');
    connection = await client.Connection.connect({ address, connectTimeout: 1_000 });
    await connection.withDeadline(Date.now() + 2_000, async () =>
      connection?.workflowService.describeNamespace({ namespace }),
    );
    return true;
  } catch {
    return false;
  } finally {
    await connection?.close().catch(() => undefined);
  }
}
