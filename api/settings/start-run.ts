import type { PhysicalUid } from '../../core/ids';
import type { Origin, SettingsInput } from '../../core/operations';
import { settingsId } from '../../workflows/ids';
import { workflowTypes } from '../../workflows/messages';
import type { ApiContext } from '../context';

/**
 * A run that waits until every node has the catalogue's settings, reads them back and notes the version.
 * It is started beside the answer, never waited for; without Temporal the schedule that looks for
 * drift does the same later.
 */
export function startSettingsRun(
  ctx: Pick<ApiContext, 'temporal' | 'log'>,
  physicalUid: PhysicalUid,
  { who, why }: Origin,
): void {
  if (ctx.temporal === null) return;
  const input: SettingsInput = { physicalUid, who, why };
  const workflowId = settingsId(physicalUid);
  ctx.temporal
    .start({ workflowType: workflowTypes.settingsBroadcast, workflowId, args: [input] })
    .catch((error: unknown) => {
      // One that runs already goes on until the newest version is everywhere.
      ctx.log.debug({ err: error, index: physicalUid }, 'settings run was not started');
    });
}
