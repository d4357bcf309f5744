import type { IndexEntry } from '../../../core/fleet';
import type { NodeId } from '../../../core/ids';
import { groupId, nodeId } from '../../../core/ids';
import type { RunOptions } from '../../../core/operations';
import type { NodeToAdd, PlacementChange } from '../../../core/placement-change';
import * as ids from '../../../workflows/ids';
import type { WorkflowType } from '../../../workflows/messages';
import type { OperationAct, SteerSpec } from '../story/types';
import type { ModelFleet } from './fleet';

/** One workflow to be started, as the routes of the operators start it. */
export interface Operation {
  readonly type: WorkflowType;
  readonly id: string;
  readonly input: object;
}

const origin = { who: 'operator', why: 'the model' };

const optionsOf = ({ approveAfterMs, historyEventsMax }: SteerSpec): RunOptions => ({
  documentsPerSecond: null,
  graceMs: 400,
  smallRoundIds: 4,
  parallelSyncs: 2,
  autoApprove: approveAfterMs === null,
  approvalExpiryMs: 4_000,
  sourceGraceMs: 600,
  awayMaxMs: 10_000,
  ...(historyEventsMax === null ? {} : { historyEventsMax }),
});

/** Null: there is nothing like it in the fleet now. */
export async function operationOf(fleet: ModelFleet, act: OperationAct): Promise<Operation | null> {
  const common = { ...origin, options: optionsOf(act.steer) };
  switch (act.kind) {
    case 'settings-check': {
      const input = { physicalUid: null, repair: true, ...origin };
      return { type: 'settingsCheck', id: ids.settingsCheckId(null), input };
    }
    case 'scheduled-repair': {
      const input = { options: { ...optionsOf(act.steer), autoApprove: true } };
      return { type: 'scheduledRepair', id: ids.repairScheduleId, input };
    }
    case 'anti-entropy': {
      const input = { ...common, physicalUid: null, repair: true, documentsPerSecond: null };
      return { type: 'antiEntropy', id: ids.antiEntropyId, input };
    }
    case 'repair':
    case 'repair-all': {
      const node = act.kind === 'repair' ? idOf(fleet, act.node) : null;
      const id = node === null ? 'repair-all' : ids.repairId(node);
      return { type: 'repairReplica', id, input: { ...common, node, physicalUid: null } };
    }
    case 'rebalance': {
      const input = { ...common, group: null, parent: null };
      return { type: 'rebalance', id: ids.rebalanceId(null), input };
    }
    case 'add-node': {
      const node = toAdd(fleet, act.node, 0);
      return { type: 'addNode', id: ids.addNodeId(node.id), input: { ...common, node } };
    }
    case 'drain-node': {
      const node = idOf(fleet, act.node);
      const input = { ...common, node, parent: null };
      return { type: 'drainNode', id: ids.drainNodeId(node), input };
    }
    case 'remove-node': {
      const node = idOf(fleet, act.node);
      const input = { ...common, node, lost: false };
      return { type: 'removeNode', id: ids.removeNodeId(node), input };
    }
    default: {
      const change = await changeOf(fleet, act);
      if (change === null) return null;
      const input = { ...common, change, parent: null };
      return { type: typeOf[act.kind], id: ids.changeId(change), input };
    }
  }
}

type ChangeAct = Extract<
  OperationAct,
  { kind: 'set-node' | 'replace-node' | 'add-group' | 'remove-group' | 'replication' | 'reshard' }
>;

const typeOf: Readonly<Record<ChangeAct['kind'], WorkflowType>> = {
  'set-node': 'setNode',
  'replace-node': 'replaceNode',
  'add-group': 'addGroup',
  'remove-group': 'removeGroup',
  replication: 'setReplication',
  reshard: 'reshardIndex',
};

async function changeOf(fleet: ModelFleet, act: ChangeAct): Promise<PlacementChange | null> {
  switch (act.kind) {
    case 'set-node': {
      const { weight, zone } = act;
      return { kind: 'set-node', node: idOf(fleet, act.node), weight, zone };
    }
    case 'replace-node': {
      const node = toAdd(fleet, act.by, 0);
      return { kind: 'replace-node', old: idOf(fleet, act.node), node, lost: false };
    }
    case 'add-group': {
      const nodes = act.nodes.map((node) => toAdd(fleet, node, 1));
      return { kind: 'add-group', group: groupId(1), nodes };
    }
    case 'remove-group':
      return { kind: 'remove-group', group: groupId(1), lost: false };
    case 'replication': {
      const entry = await entryOf(fleet, act.index);
      if (entry === null) return null;
      const { uid: index, physicalUid } = entry;
      const factor = { index, physicalUid, replicationFactor: act.copies };
      return { kind: 'set-replication', factors: [factor] };
    }
    case 'reshard': {
      const entry = await entryOf(fleet, act.index);
      if (entry === null) return null;
      const { uid: index, physicalUid } = entry;
      return { kind: 'reshard', index, physicalUid, shardCount: act.shards };
    }
  }
}

async function entryOf(fleet: ModelFleet, index: string): Promise<IndexEntry | null> {
  const { indexes } = await fleet.store.fleet.load();
  return indexes.find(({ uid }) => uid === index) ?? null;
}

function idOf(fleet: ModelFleet, node: number): NodeId {
  const nodes = [...fleet.nodes.keys()];
  return nodeId(nodes[node % nodes.length] ?? '');
}

function toAdd(fleet: ModelFleet, node: number, group: number): NodeToAdd {
  const nodes = [...fleet.nodes.values()];
  const model = nodes[node % nodes.length];
  if (model === undefined) throw new Error('The model has no nodes.');
  const { id, url, zone, weight } = model.record();
  return { id, url, zone, weight, group: groupId(group) };
}

/**
 * Starts the workflow, and says to it what the story's operator says. Returns when it is over; at once
 * when one like it is running.
 */
export async function operate(
  fleet: ModelFleet,
  { type, id, input }: Operation,
  steer: SteerSpec,
): Promise<void> {
  const { temporal, world } = fleet;
  if (temporal.isOpen(id)) return;
  const run = temporal.startWorkflow(type, id, [input]);
  let over = false;
  const say = (name: string, message: object): void => {
    if (over) return;
    temporal.update(id, name, { who: 'operator', ...message }).then(
      () => world.note(`${id} takes ${name}`),
      (error: unknown) => world.note(`${id} refuses ${name}: ${(error as Error).message}`),
    );
  };
  for (const { afterMs, command } of steer.commands) {
    world.after(afterMs, 'temporal', () => say(command, { documentsPerSecond: 20 }));
  }
  const { approveAfterMs } = steer;
  const look = (): void => {
    if (over || approveAfterMs === null) return;
    world.after(approveAfterMs, 'temporal', () => {
      const plan = over ? null : (temporal.query(id, 'plan') as { epoch: number } | null);
      if (plan !== null) say('approve', { epoch: plan.epoch });
      look();
    });
  };
  look();
  await run.ended;
  over = true;
}
