import type { RunOptions } from '../../../core/operations';
import type { ApiContext } from '../../context';
import type { Fields } from '../../http/fields';

/** The members of a body that say how an operation runs; all are optional. */
export const runOptionFields = [
  'who',
  'why',
  'autoApprove',
  'parallelSyncs',
  'documentsPerSecond',
  'graceMs',
  'approvalExpiryMs',
] as const;

/** With the member that asks for the plan only; for operations that are changes of placement. */
export const changeOptionFields = [...runOptionFields, 'dryRun'] as const;

/** Three days: a plan that nobody looked at over a weekend is still there on Monday. */
const approvalExpiryMsDefault = 3 * 24 * 3_600_000;

/** What the body leaves out comes from the configuration. */
export function runOptions(ctx: ApiContext, fields: Fields): RunOptions {
  const { sync } = ctx.config;
  const count = (name: string, min: number): number | null =>
    fields.optionalNumber(name, { min, integer: true });
  return {
    autoApprove: fields.optionalBoolean('autoApprove', false),
    parallelSyncs: count('parallelSyncs', 1) ?? sync.parallelSyncs,
    documentsPerSecond: count('documentsPerSecond', 1) ?? sync.documentsPerSecond,
    graceMs: count('graceMs', 0) ?? sync.graceMs,
    approvalExpiryMs: count('approvalExpiryMs', 1_000) ?? approvalExpiryMsDefault,
    smallRoundIds: sync.smallRoundIds,
    sourceGraceMs: sync.sourceGraceMs,
    awayMaxMs: sync.awayMaxMs,
    heartbeatTimeoutMs: ctx.config.worker.heartbeatMs,
  };
}
