import type { Config } from '../config/config';
import type { RunOptions } from '../core/operations';
import type { AntiEntropyInput, RepairPolicyInput } from '../core/upkeep';
import { antiEntropyScheduleId, repairScheduleId } from '../workflows/ids';
import { workflowTypes } from '../workflows/messages';
import { catchUpMsDefault, jitterOf } from '../workflows/schedules';
import type { WantedSchedule } from '../workflows/schedules';

/** Nobody approves what is done without being asked. */
const optionsOf = ({ sync, worker }: Config): RunOptions => ({
  ...{ autoApprove: true, parallelSyncs: sync.parallelSyncs, graceMs: sync.graceMs },
  ...{ documentsPerSecond: sync.documentsPerSecond, approvalExpiryMs: 1_000 },
  ...{ sourceGraceMs: sync.sourceGraceMs, awayMaxMs: sync.awayMaxMs },
  ...{ smallRoundIds: sync.smallRoundIds, heartbeatTimeoutMs: worker.heartbeatMs },
});

const timing = (everyMs: number) => ({
  ...{ everyMs, jitterMs: jitterOf(everyMs), catchUpMs: catchUpMsDefault },
});

/** Switched off they stay as paused schedules, so that Temporal's page shows that they are. */
export function upkeepSchedules(config: Config): WantedSchedule[] {
  const { repair, antiEntropy } = config;
  const options = optionsOf(config);
  const repairs: RepairPolicyInput = { options };
  const comparison: AntiEntropyInput = {
    ...{ physicalUid: null, repair: antiEntropy.repair, options },
    documentsPerSecond: antiEntropy.documentsPerSecond,
    ...{ who: 'schedule', why: 'anti-entropy' },
  };
  return [
    {
      scheduleId: repairScheduleId,
      workflowType: workflowTypes.scheduledRepair,
      args: [repairs],
      ...timing(repair.everyMs),
      paused: !repair.automatic && !repair.rebuildNodes,
      note: 'repair policy',
    },
    {
      scheduleId: antiEntropyScheduleId,
      workflowType: workflowTypes.scheduledAntiEntropy,
      args: [comparison],
      ...timing(antiEntropy.everyMs),
      paused: !antiEntropy.enabled,
      note: 'anti-entropy',
    },
  ];
}
