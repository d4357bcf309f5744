import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/types';
import type {
  ChangeInput,
  OperationKind,
  OperationPlan,
  OperationReport,
  PlannedRemoval,
  PlannedSync,
  PlanResume,
} from '../core/operations';
import type { NodeId, ShardId } from '../core/ids';
import type { PlacementChange } from '../core/placement-change';
import { fatal } from './failures';
import { operate } from './handlers';
import type { Operation } from './operation';
import type { OperationSpec } from './operation-state';
import { quickChange, quickRead } from './policies';
import { finishByReport, rateOf, resumedOf } from './rebalance';
import type { PlannedWork } from './planned-work';
import { childrenOf } from './children';
import { dropUnwanted, runByPlan } from './run-plan';

const { checkChange, planChange, recheckChange } =
  proxyActivities<Pick<Activities, 'checkChange' | 'planChange' | 'recheckChange'>>(quickRead);
const { applyChange, finishChange, undoChange } =
  proxyActivities<Pick<Activities, 'applyChange' | 'finishChange' | 'undoChange'>>(quickChange);

/** What differs between the operations that are described by the change they make. */
export interface ChangeRun<C extends PlacementChange> {
  readonly input: ChangeInput<C>;
  readonly kind: OperationKind;
  readonly about: Pick<OperationSpec, 'index' | 'nodes'>;
  readonly steps: (operation: Operation) => ChangeSteps;
  readonly continueWith: (resume: PlanResume) => Promise<never>;
}

export type ChangeSteps = Pick<PlannedWork, 'begin' | 'finish' | 'close' | 'undo'>;

export function specOf<C extends PlacementChange>(
  kind: OperationKind,
  input: ChangeInput<C>,
  about: Pick<OperationSpec, 'index' | 'nodes'>,
): OperationSpec {
  const resumed = resumedOf(input);
  return {
    ...{ kind, origin: { who: input.who, why: input.why }, total: 0 },
    documentsPerSecond: rateOf(input),
    ...about,
    ...(resumed === undefined ? {} : { resumed }),
  };
}

/** check → plan → approve → claim → check again → apply → copies → finish. */
export async function runChange<C extends PlacementChange>(
  run: ChangeRun<C>,
): Promise<OperationReport> {
  const { input, kind, about, steps, continueWith } = run;
  const { change } = input;
  const children = childrenOf(input.options);
  return operate(
    specOf(kind, input, about),
    async (operation) => {
      if (input.resume === undefined) await check(operation, input);
      const work: PlannedWork = {
        ...{ options: input.options, claims: true, always: true, resume: input.resume },
        ...steps(operation),
        plan: () => planChange({ change }),
        check: (plan) => recheckChange({ plan, change }),
        continueWith,
      };
      return finishByReport(operation, await runByPlan(operation, work, children));
    },
    children,
  );
}

export async function check(
  operation: Operation,
  { change, who, why }: ChangeInput,
): Promise<void> {
  await operation.enter('check');
  const verdict = await operation.cancellable(() => checkChange({ change, who, why }));
  if (!verdict.ok) throw fatal('change-refused', verdict.reason);
}

/** The table gets the change in one step; the copies follow, and a cancel takes it back. */
export function tableSteps({ change, who, why }: ChangeInput, operation: Operation): ChangeSteps {
  return {
    begin: () => apply({ change, who, why }),
    async undo(plan) {
      await undoChange({ change, who, why, undo: plan.undo ?? null });
      await dropMade(operation, plan);
    },
  };
}

export async function apply(request: Parameters<typeof applyChange>[0]): Promise<void> {
  const verdict = await applyChange(request);
  if (!verdict.ok) throw fatal('change-refused', verdict.reason);
}

/** Copies that the undone change had made and that nobody wants without it. */
async function dropMade(operation: Operation, plan: OperationPlan): Promise<void> {
  const { undo } = plan;
  if (undo === undefined || undo === null) return;
  const { removals } = await planChange({ change: undo });
  if (removals.length === 0) return;
  await dropUnwanted(operation, { removals: preferMade(removals, plan) });
  // A new copy that was not finished has gone already; then another one is the surplus.
  await dropUnwanted(operation, await planChange({ change: undo }));
}

/** Of the copies of a shard that is to lose one, the new one goes: so it ends as it began. */
function preferMade(
  removals: readonly PlannedRemoval[],
  { syncs }: OperationPlan,
): PlannedRemoval[] {
  const made = new Map<string, NodeId[]>();
  const keyOf = ({ physicalUid, group }: PlannedRemoval | PlannedSync, shard: ShardId): string =>
    `${physicalUid} ${String(group)} ${String(shard)}`;
  for (const sync of syncs.filter(({ kind }) => kind === 'copy')) {
    for (const shard of sync.shards) {
      const key = keyOf(sync, shard);
      made.set(key, [...(made.get(key) ?? []), sync.target]);
    }
  }
  return removals
    .flatMap((removal) =>
      removal.shards.map((shard) => {
        const node = made.get(keyOf(removal, shard))?.shift() ?? removal.node;
        return { ...removal, node, shards: [shard] };
      }),
    )
    .reduce<PlannedRemoval[]>(together, []);
}

/** One removal for each node, so that each is one deletion. */
function together(list: PlannedRemoval[], one: PlannedRemoval): PlannedRemoval[] {
  const same = list.findIndex(
    ({ physicalUid, group, node }) =>
      physicalUid === one.physicalUid && group === one.group && node === one.node,
  );
  const known = list[same];
  if (known === undefined) return [...list, one];
  const shards = [...known.shards, ...one.shards];
  return list.map((entry, at) => (at === same ? { ...known, shards } : entry));
}

export async function close(request: Parameters<typeof finishChange>[0]): Promise<void> {
  const verdict = await finishChange(request);
  if (!verdict.ok) throw fatal('node-still-needed', verdict.reason);
}

export { planChange, undoChange };
