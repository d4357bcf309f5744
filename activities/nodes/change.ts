import { changedFleet } from '../../core/changed-fleet';
import type { Fleet } from '../../core/fleet';
import type { NodeId } from '../../core/ids';
import type { AddNodeInput, NodeToAdd, Origin, RunOptions, Verdict } from '../../core/operations';
import type { PlacementChange } from '../../core/placement-change';
import type { FleetOp } from '../../store/types';
import type { ActivityTools, Call } from '../tools';
import type { ChangeRequest } from '../types';
import { adoptNode, checkNewNode } from './adopt';
import { forgetCopies, mayLeave, removeNode, setNodeIntent } from './leave';

const fine: Verdict = { ok: true };

/** Only the node of it is read. */
const addition = (node: NodeToAdd, origin: Origin): AddNodeInput => ({
  node,
  ...origin,
  options: {} as RunOptions,
});

async function first(checks: readonly (() => Promise<Verdict>)[]): Promise<Verdict> {
  for (const check of checks) {
    const verdict = await check();
    if (!verdict.ok) return verdict;
  }
  return fine;
}

/** Says why a change cannot be made: what the table says first, then what the nodes say. */
export async function checkChange(
  tools: ActivityTools,
  { change, who, why }: ChangeRequest,
  call: Call,
): Promise<Verdict> {
  const changed = changedFleet(await tools.store.fleet.load(), change);
  if (!changed.ok) return changed;
  const newNode = (node: NodeToAdd) => (): Promise<Verdict> =>
    checkNewNode(tools, addition(node, { who, why }), call);
  const leaving = (node: NodeId, lost: boolean) => (): Promise<Verdict> =>
    mayLeave(tools, { node, lost });
  switch (change.kind) {
    case 'add-node':
      return first([newNode(change.node)]);
    case 'add-group':
      return first(change.nodes.map(newNode));
    case 'replace-node':
      return first([newNode(change.node), ...(change.lost ? [leaving(change.old, true)] : [])]);
    case 'drain-node':
    case 'remove-node':
      return first([leaving(change.node, change.lost)]);
    case 'rebalance':
    case 'repair':
    case 'set-node':
    case 'remove-group':
    case 'set-replication':
    case 'reshard':
      return fine;
  }
}

/** Nodes of a group, as the table has them now. */
const membersOf = ({ nodes }: Fleet, group: number): NodeId[] =>
  nodes.filter((node) => node.group === group).map(({ id }) => id);

/** One change of the table or a few idempotent ones; a second call finds them done. */
export async function applyChange(
  tools: ActivityTools,
  { change, who, why }: ChangeRequest,
): Promise<Verdict> {
  const origin = { who, why };
  switch (change.kind) {
    case 'set-node':
    case 'set-replication':
      return setInTable(tools, change, origin);
    case 'add-group':
      for (const node of change.nodes) await adoptNode(tools, addition(node, origin));
      return fine;
    case 'remove-group': {
      const members = membersOf(await tools.store.fleet.load(), change.group);
      return first(
        members.map((node) => () => leave(tools, node, { ...origin, lost: change.lost })),
      );
    }
    case 'replace-node':
      await adoptNode(tools, addition(change.node, origin));
      return leave(tools, change.old, { ...origin, lost: change.lost });
    case 'rebalance':
    case 'repair':
    case 'add-node':
    case 'drain-node':
    case 'remove-node':
    case 'reshard':
      return fine;
  }
}

async function leave(
  tools: ActivityTools,
  node: NodeId,
  { who, why, lost }: Origin & { readonly lost: boolean },
): Promise<Verdict> {
  await setNodeIntent(tools, { who, why, node, intent: 'draining' });
  return lost ? forgetCopies(tools, { who, why, node }) : fine;
}

async function setInTable(
  tools: ActivityTools,
  change: PlacementChange,
  { who, why }: Origin,
): Promise<Verdict> {
  let verdict: Verdict = fine;
  await tools.store.fleet.update({ who, why, what: textOf(change) }, (fleet) => {
    const changed = changedFleet(fleet, change);
    verdict = changed.ok ? fine : changed;
    const ops = changed.ok ? opsOf(fleet, changed.fleet) : [];
    return ops.length === 0 ? null : ops;
  });
  return verdict;
}

/** Nodes and catalogue entries that are not what they were. */
function opsOf(before: Fleet, after: Fleet): FleetOp[] {
  const differs = (a: unknown, b: unknown): boolean => JSON.stringify(a) !== JSON.stringify(b);
  const nodes = after.nodes
    .filter((node) =>
      differs(
        node,
        before.nodes.find(({ id }) => id === node.id),
      ),
    )
    .map((node): FleetOp => ({ op: 'set-node', node }));
  const indexes = after.indexes.flatMap((entry): FleetOp[] => {
    const known = before.indexes.find(({ uid }) => uid === entry.uid);
    if (known?.replicationFactor === entry.replicationFactor) return [];
    const { placement: _, ...meta } = entry;
    return [{ op: 'set-index', entry: meta }];
  });
  return [...nodes, ...indexes];
}

function textOf(change: PlacementChange): string {
  switch (change.kind) {
    case 'set-node':
      return `${change.node} has weight ${String(change.weight)}, zone ${change.zone ?? 'none'}`;
    case 'set-replication':
      return change.factors
        .map(({ index, replicationFactor }) => `${String(replicationFactor)} copies of ${index}`)
        .join(', ');
    case 'rebalance':
    case 'repair':
    case 'add-node':
    case 'drain-node':
    case 'remove-node':
    case 'replace-node':
    case 'add-group':
    case 'remove-group':
    case 'reshard':
      return change.kind;
  }
}

/** The nodes that go leave the table, when nothing of it is on them any more. */
export async function finishChange(
  tools: ActivityTools,
  { change, who, why }: ChangeRequest,
  call: Pick<Call, 'signal'>,
): Promise<Verdict> {
  const fleet = await tools.store.fleet.load();
  const going =
    change.kind === 'remove-group'
      ? membersOf(fleet, change.group)
      : change.kind === 'replace-node'
        ? [change.old]
        : [];
  return first(going.map((node) => () => removeNode(tools, { who, why, node }, call)));
}

/** A node that was taken in and holds something stays: it answers for what it holds. */
export async function undoChange(
  tools: ActivityTools,
  { change, undo, who, why }: ChangeRequest & { readonly undo: PlacementChange | null },
  call: Pick<Call, 'signal'>,
): Promise<void> {
  const origin = { who, why };
  if (change.kind === 'set-node' || change.kind === 'set-replication') {
    if (undo !== null) await setInTable(tools, undo, origin);
  } else if (change.kind === 'add-group') {
    const made = new Set(change.nodes.map(({ id }) => id));
    for (const node of membersOf(await tools.store.fleet.load(), change.group)) {
      if (made.has(node)) await removeNode(tools, { ...origin, node }, call);
    }
  } else if (change.kind === 'remove-group' && !change.lost) {
    for (const node of membersOf(await tools.store.fleet.load(), change.group)) {
      await setNodeIntent(tools, { ...origin, node, intent: 'active' });
    }
  } else if (change.kind === 'replace-node') {
    if (!change.lost) await setNodeIntent(tools, { ...origin, node: change.old, intent: 'active' });
    await removeNode(tools, { ...origin, node: change.node.id }, call);
  }
}
