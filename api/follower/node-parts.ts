import type { JsonValue } from '../../core/fleet';
import type { FleetTaskUid } from '../../core/ids';
import type { NodeTask } from '../../meili/types';
import type { FleetTask, NodeTaskRef } from '../../store/task-types';
import { writeMetadata } from '../writes/sent-tasks';

/** A node's task that is not over, and the fleet's task that it is a part of. */
export interface OpenPart {
  readonly task: FleetTaskUid;
  readonly uid: NodeTaskRef['uid'];
}

export function partKey(
  task: FleetTaskUid,
  { node, uid }: Pick<NodeTaskRef, 'node' | 'uid'>,
): string {
  return `${task}/${node}/${uid}`;
}

/**
 * Whether a node's task is the one that was sent for this fleet task. A node whose disk was lost or rolled
 * back gives the numbers of its tasks once more, so the number alone does not say it.
 */
export function isOf({ uid, physicalUid }: FleetTask, seen: NodeTask): boolean {
  if (seen.customMetadata !== undefined && seen.customMetadata !== writeMetadata(uid)) return false;
  return physicalUid === null || seen.indexUid === physicalUid;
}

export function resultOf(ref: NodeTaskRef, seen: NodeTask): { [member: string]: JsonValue } {
  return {
    role: ref.result?.['role'] ?? 'main',
    details: (seen.details ?? null) as JsonValue,
    error: (seen.error ?? null) as unknown as JsonValue,
    startedAt: seen.startedAt,
    finishedAt: seen.finishedAt,
  };
}
