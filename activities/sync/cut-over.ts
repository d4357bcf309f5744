import type { SyncRef, Verdict } from '../../core/operations';
import { cutOver as cutOverStep, reverseCutOver as reverseStep } from '../../core/replicas';
import type { ActivityTools, Call } from '../tools';
import { changeReplicas } from './replica-changes';
import { attemptOf, takeNumber } from './session';

/** The target answers for the shards from this epoch on. The source of a move still gets every write. */
export async function cutOver(tools: ActivityTools, ref: SyncRef, call: Call): Promise<Verdict> {
  const { group, shards, source, target, kind, physicalUid } = ref;
  const attempt = attemptOf(await takeNumber(tools, ref, call));
  const { verdict } = await changeReplicas(
    tools,
    { ...ref, attempt, what: `cut over ${physicalUid} from ${source} to ${target}` },
    (entry) =>
      cutOverStep(entry, { group, shards, target, source: kind === 'move' ? source : null }),
  );
  return verdict;
}

/**
 * The source took every write since the cut-over, so this is only a flip. One that missed a write refuses it,
 * which an event says to who asked for it: the run ends well all the same.
 */
export async function reverseCutOver(
  tools: ActivityTools,
  ref: SyncRef,
  call: Call,
): Promise<Verdict> {
  const { group, shards, source, target, physicalUid } = ref;
  const attempt = attemptOf(await takeNumber(tools, ref, call));
  const { verdict } = await changeReplicas(
    tools,
    { ...ref, attempt, what: `reverse ${physicalUid} from ${target} to ${source}` },
    (entry) => reverseStep(entry, { group, shards, source, target }),
  );
  if (verdict.ok) return verdict;
  return tools.store.figures.tellOnce<Verdict>(`${call.runId}/reverse`, {
    answer: verdict,
    operations: [ref.runKey],
    event: {
      ...{ at: tools.clock.now(), who: 'sync', what: 'the way back is refused' },
      ...{ why: verdict.reason, figures: { shards: shards.length } },
    },
    sourceChange: null,
  });
}
