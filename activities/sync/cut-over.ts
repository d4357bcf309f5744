import type { SyncRef, Verdict } from '../../core/operations';
import { cutOver as cutOverStep, reverseCutOver as reverseStep } from '../../core/replicas';
import type { ActivityTools } from '../tools';
import { changeReplicas } from './replica-changes';
import { assertCurrent, takeNumber } from './session';

/** The target answers for the shards from this epoch on. The source of a move still gets every write. */
export async function cutOver(tools: ActivityTools, ref: SyncRef): Promise<Verdict> {
  const { group, shards, source, target, kind } = ref;
  await assertCurrent(await takeNumber(tools, ref));
  const { verdict } = await changeReplicas(
    tools,
    { ...ref, what: `cut over ${ref.physicalUid} from ${source} to ${target}` },
    (entry) =>
      cutOverStep(entry, { group, shards, target, source: kind === 'move' ? source : null }),
  );
  return verdict;
}

/** The source took every write since the cut-over, so this is only a flip. */
export async function reverseCutOver(tools: ActivityTools, ref: SyncRef): Promise<Verdict> {
  const { group, shards, source, target } = ref;
  await assertCurrent(await takeNumber(tools, ref));
  const { verdict } = await changeReplicas(
    tools,
    { ...ref, what: `reverse ${ref.physicalUid} from ${target} to ${source}` },
    (entry) => reverseStep(entry, { group, shards, source, target }),
  );
  return verdict;
}
