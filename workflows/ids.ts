import type { GroupId, NodeId, PhysicalUid } from '../core/ids';
import type { SyncPair } from '../core/operations';

/**
 * Workflow ids. They say what is happening and they are locks: of two runs with one id only one is
 * open. They carry the physical uid, because clients rename and swap their indexes.
 */

/** Anything but letters, digits, `_`, `-` and `.` becomes `~hex`, so that `/` always separates. */
const part = (value: string): string =>
  value.replace(/[^A-Za-z0-9_.-]/g, (char) => `~${(char.codePointAt(0) ?? 0).toString(16)}`);

export const syncId = (
  pair: Pick<SyncPair, 'physicalUid' | 'group' | 'source' | 'target'>,
): string =>
  `sync/${part(pair.physicalUid)}/${String(pair.group)}/${part(pair.source)}/${part(pair.target)}`;

/** `null`: all groups. */
export const rebalanceId = (group: GroupId | null): string =>
  group === null ? 'rebalance/all' : `rebalance/group-${String(group)}`;

export const addNodeId = (node: NodeId): string => `add-node/${part(node)}`;
export const drainNodeId = (node: NodeId): string => `drain-node/${part(node)}`;
export const removeNodeId = (node: NodeId): string => `remove-node/${part(node)}`;
export const repairId = (node: NodeId): string => `repair/${part(node)}`;
export const settingsId = (physicalUid: PhysicalUid): string => `settings/${part(physicalUid)}`;
export const rolloverId = (policy: string): string => `rollover/${part(policy)}`;
export const canaryId = (canary: string): string => `canary/${part(canary)}`;

/** Schedules. A scheduled run gets its time appended to its id and so locks nothing: it starts a child. */
export const rolloverScheduleId = (policy: string): string => `rollover-schedule/${part(policy)}`;
export const canaryScheduleId = (canary: string): string => `canary-schedule/${part(canary)}`;
