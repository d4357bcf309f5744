import type { BackupInput, DrillInput } from '../../../core/archives/types';
import type { Origin } from '../../../core/operations';
import { backupInput, drillInput, effectiveSchedule } from '../../../workflows/archive-schedules';
import { backupId, restoreDrillId } from '../../../workflows/ids';
import { workflowTypes } from '../../../workflows/messages';
import type { ApiContext } from '../../context';
import { temporalOf } from './operator-route';

interface Started {
  readonly operation: string;
  readonly runId: string;
}

/** A backup now, kept and let go as the schedule's would be; refused while another one is made. */
export async function startBackup(ctx: ApiContext, origin: Origin): Promise<Started> {
  const record = await ctx.store.archiveSchedules.get('backup');
  const effective = effectiveSchedule(ctx.config, 'backup', record);
  return await start(ctx, 'createBackup', backupId, backupInput(ctx.config, effective, origin));
}

/** A drill now; `backup` null: of the newest one. */
export async function startDrill(
  ctx: ApiContext,
  backup: string | null,
  origin: Origin,
): Promise<Started> {
  return await start(ctx, 'restoreDrill', restoreDrillId, drillInput(ctx.config, backup, origin));
}

async function start(
  ctx: ApiContext,
  type: 'createBackup' | 'restoreDrill',
  workflowId: string,
  input: BackupInput | DrillInput,
): Promise<Started> {
  const run = await temporalOf(ctx).start({
    ...{ workflowType: workflowTypes[type], workflowId, args: [input] },
  });
  return { operation: run.workflowId, runId: run.runId };
}
