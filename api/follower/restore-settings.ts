import type { Settings } from '../../core/fleet';
import type { FleetTask } from '../../store/task-types';
import type { ApiContext } from '../context';
import { startSettingsRun } from '../settings/start-run';
import { setIndex } from '../writes/index-changes';

/**
 * The nodes could not apply a settings change (documents without the vectors that an embedder wants),
 * so the catalogue shows the settings of before again. Unless they were changed since: then the later
 * change decides. A run then takes the change back on the nodes that did apply it; without Temporal
 * they are known by name and avoided, and the next check for drift repairs them.
 */
export async function restoreSettings(
  ctx: Pick<ApiContext, 'store' | 'fleet' | 'temporal' | 'log'>,
  task: FleetTask,
): Promise<void> {
  const { settingsBefore, settingsVersion } = task.extra;
  if (typeof settingsVersion !== 'number' || typeof settingsBefore !== 'object') return;
  const audit = { who: 'follower', why: `task ${task.uid} failed`, what: 'restore settings' };
  const fleet = await ctx.store.fleet.update(audit, (now) => {
    const entry = now.indexes.find((one) => one.physicalUid === task.physicalUid);
    if (entry === undefined || entry.settingsVersion !== settingsVersion) return null;
    const settings = settingsBefore as Settings;
    const version = settingsVersion + 1;
    const versions = { settingsVersion: version, physicalSettingsVersion: version };
    return [setIndex({ ...entry, settings, ...versions })];
  });
  await ctx.fleet.reload(fleet.epoch);
  if (task.physicalUid !== null) {
    const origin = { who: 'follower', why: `task ${task.uid} failed on a node` };
    startSettingsRun(ctx, task.physicalUid, origin);
  }
}
