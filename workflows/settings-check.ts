import { executeChild, ParentClosePolicy, proxyActivities } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Activities } from '../activities/types';
import type { JsonValue } from '../core/fleet';
import type { PhysicalUid } from '../core/ids';
import type {
  SettingsCheckInput,
  SettingsCheckReport,
  SettingsCheckResult,
} from '../core/index-life';
import { textOf } from './failures';
import { operate } from './handlers';
import { settingsCheckId, settingsId } from './ids';
import type { Operation } from './operation';
import { longWait } from './policies';
import { settingsBroadcast } from './settings-broadcast';

const { checkSettings } = proxyActivities<Pick<Activities, 'checkSettings'>>(longWait);

/**
 * Compares the settings on every node with the catalogue's, notes the nodes that differ so that
 * searches avoid them, and has them applied again. Point of no return: none.
 */
export async function settingsCheck(input: SettingsCheckInput): Promise<SettingsCheckReport> {
  const { physicalUid, repair, who, why } = input;
  return operate(
    {
      kind: 'settings-check',
      origin: { who, why },
      ...(physicalUid === null ? {} : { index: physicalUid }),
      total: 1,
      documentsPerSecond: null,
    },
    async (operation) => {
      await operation.enter('compare');
      const found = await operation.cancellable(() =>
        checkSettings({ physicalUid, operation: operation.id }),
      );
      operation.state.done = 1;
      operation.state.report = found as unknown as JsonValue;
      if (!repair || found.drifted.length === 0) {
        await operation.finish('succeeded', null);
        return { ...found, repaired: [], failed: [] };
      }
      return repairAll(operation, found);
    },
  );
}

async function repairAll(
  operation: Operation,
  found: SettingsCheckResult,
): Promise<SettingsCheckReport> {
  const repaired: PhysicalUid[] = [];
  const failed: { physicalUid: PhysicalUid; reason: string }[] = [];
  operation.state.total += found.drifted.length;
  await operation.enter('repair');
  for (const { physicalUid, nodes } of found.drifted) {
    const differing = nodes.map(({ node, settings }) => `${node} (${settings.join(', ')})`);
    const why = `settings drifted on ${differing.join(', ')}`;
    try {
      await executeChild(settingsBroadcast, {
        workflowId: settingsId(physicalUid),
        parentClosePolicy: ParentClosePolicy.ABANDON,
        args: [{ physicalUid, who: operation.id, why }],
      });
      repaired.push(physicalUid);
    } catch (error) {
      // One that runs already repairs it just as well.
      if (error instanceof WorkflowExecutionAlreadyStartedError) repaired.push(physicalUid);
      else failed.push({ physicalUid, reason: textOf(error) });
    }
    operation.state.done += 1;
    await operation.show();
  }
  const reasons = failed.map((one) => `${one.physicalUid}: ${one.reason}`).join('; ');
  const report = { ...found, repaired, failed };
  operation.state.report = report as unknown as JsonValue;
  await operation.finish(failed.length === 0 ? 'succeeded' : 'failed', reasons || null);
  return report;
}

/** What the schedule starts; the child's fixed id keeps two checks apart. */
export async function scheduledSettingsCheck(
  input: SettingsCheckInput,
): Promise<SettingsCheckReport | null> {
  try {
    return await executeChild(settingsCheck, {
      workflowId: settingsCheckId(input.physicalUid),
      parentClosePolicy: ParentClosePolicy.ABANDON,
      args: [input],
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return null;
  }
}
