import type { Settings } from '../../core/fleet';
import type { FleetTask } from '../../store/task-types';
import type { ApiContext } from '../context';
import { setIndex } from '../writes/index-changes';

/**
 * The nodes could not apply a settings change (documents without the vectors that an embedder wants),
 * so the catalogue shows the settings of before again. Unless they were changed since: then the later
 * change decides. Nodes that did apply it differ from the catalogue, which the drift check repairs.
 */
export async function restoreSettings(
  ctx: Pick<ApiContext, 'store' | 'fleet'>,
  task: FleetTask,
): Promise<void> {
  const { settingsBefore, settingsVersion } = task.extra;
  if (typeof settingsVersion !== 'number' || typeof settingsBefore !== 'object') return;
  const audit = { who: 'follower', why: `task ${task.uid} failed`, what: 'restore settings' };
  const fleet = await ctx.store.fleet.update(audit, (now) => {
    const entry = now.indexes.find((one) => one.physicalUid === task.physicalUid);
    if (entry === undefined || entry.settingsVersion !== settingsVersion) return null;
    const settings = settingsBefore as Settings;
    return [setIndex({ ...entry, settings, settingsVersion: settingsVersion + 1 })];
  });
  await ctx.fleet.reload(fleet.epoch);
}
