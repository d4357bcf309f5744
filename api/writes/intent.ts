import { indexUid } from '../../core/ids';
import type { JsonValue } from '../../core/fleet';
import type { FleetTaskDraft } from '../../store/types';
import type { Operation, WritePlan } from './plan';
import { storedStep } from './steps';

/** The intent, with what settling needs: each node's steps as far as they can be stored. */
export function draft(plan: WritePlan, operation: Operation): FleetTaskDraft {
  const enqueuedAt = new Date().toISOString();
  const work = plan.intent ?? plan.work(0);
  return {
    indexUid: plan.indexUid === null ? null : indexUid(plan.indexUid),
    physicalUid: plan.physicalUid,
    type: plan.type,
    details: plan.details,
    error: null,
    canceledBy: null,
    enqueuedAt,
    startedAt: null,
    finishedAt: null,
    duration: null,
    batchUid: null,
    nodeTasks: [],
    shards: plan.shards,
    extra: {
      ...plan.extra,
      ...numberingOf(plan),
      ...(plan.final === null ? {} : { final: plan.final as unknown as JsonValue }),
      work: work.map(({ node, shards, steps }) => ({
        node,
        shards: [...shards],
        steps: steps.map(storedStep),
      })),
    },
    ...(operation.customMetadata === undefined ? {} : { customMetadata: operation.customMetadata }),
  };
}

/** The index may be resharded before the task ends: its shards are numbers of this many. */
export const numberingOf = ({ entry }: WritePlan): { shardCount?: number } =>
  entry === null ? {} : { shardCount: entry.shardCount };
