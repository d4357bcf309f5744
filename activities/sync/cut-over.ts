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

/** The source took every write since the cut-over, so this is only a flip. */
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
  return verdict;
}
