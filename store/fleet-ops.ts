import type { GroupPlacement, Replica, ReplicaState } from '../core/fleet';
import { groupId, nodeId } from '../core/ids';
import type { GroupId, ShardId } from '../core/ids';
import type { Keys } from './keys';
import { assertItems } from './script';
import { StoreError } from './store-error';
import type { Audit, FleetOp } from './fleet-types';

/** A change as scripts take it: the keys it writes, its steps, and what it says in the log. */
export interface EncodedOps {
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
  readonly lines: string;
}

const states: ReadonlySet<string> = new Set<ReplicaState>([
  'in-sync',
  'joined',
  'syncing',
  'stale',
  'leaving',
]);

/** `keysBefore`: how many KEYS the script has before those of the steps. */
export function encodeOps(keys: Keys, ops: readonly FleetOp[], keysBefore: number): EncodedOps {
  assertItems('A change of the fleet', ops.length);
  const ordinals = new Map<string, number>();
  const ordinalOf = (key: string): number => {
    const known = ordinals.get(key);
    if (known !== undefined) return known;
    const ordinal = keysBefore + ordinals.size + 1;
    ordinals.set(key, ordinal);
    return ordinal;
  };
  const args: (string | number)[] = [ops.length];
  for (const op of ops) {
    const [verb, key, field, value] = stepOf(keys, op);
    args.push(verb, ordinalOf(key), field, value);
  }
  return { keys: [...ordinals.keys()], args, lines: JSON.stringify(ops.map(describeOp)) };
}

type Step = readonly [verb: 'set' | 'unset' | 'row' | 'drop', key: string, string, string];

function stepOf(keys: Keys, op: FleetOp): Step {
  switch (op.op) {
    case 'set-node':
      assertNodeId(op.node.id);
      return ['set', keys.nodes, op.node.id, JSON.stringify(op.node)];
    case 'remove-node':
      return ['unset', keys.nodes, op.id, ''];
    case 'set-index':
      return ['set', keys.indexes, op.entry.uid, JSON.stringify(withoutPlacement(op.entry))];
    case 'remove-index':
      return ['unset', keys.indexes, op.uid, ''];
    case 'set-replicas': {
      const field = rowField(op.group, op.shard);
      const key = keys.placement(op.physicalUid);
      if (op.replicas.length === 0) return ['unset', key, field, ''];
      return ['row', key, field, encodeRow(op.replicas)];
    }
    case 'remove-placement':
      return ['drop', keys.placement(op.physicalUid), '', ''];
    case 'set-alias':
      return ['set', keys.aliases, op.alias.name, JSON.stringify(op.alias)];
    case 'remove-alias':
      return ['unset', keys.aliases, op.name, ''];
  }
}

/** A caller may hand over a whole entry; a placement inside the JSON would be a second truth. */
function withoutPlacement(entry: object): object {
  const { placement: _, ...meta } = entry as { placement?: unknown };
  return meta;
}

/** One line for the log and the audit page. */
export function describeOp(op: FleetOp): string {
  switch (op.op) {
    case 'set-node':
      return `set-node ${op.node.id} group ${op.node.group} ${op.node.intent}`;
    case 'remove-node':
      return `remove-node ${op.id}`;
    case 'set-index':
      return `set-index ${op.entry.uid} -> ${op.entry.physicalUid} settings ${op.entry.settingsVersion}`;
    case 'remove-index':
      return `remove-index ${op.uid}`;
    case 'set-replicas':
      return `set-replicas ${op.physicalUid} ${op.group}/${op.shard} ${encodeRow(op.replicas)}`;
    case 'remove-placement':
      return `remove-placement ${op.physicalUid}`;
    case 'set-alias':
      return `set-alias ${op.alias.name} -> ${op.alias.targets.join(',')}`;
    case 'remove-alias':
      return `remove-alias ${op.name}`;
  }
}

export function encodeAudit(audit: Audit): string {
  return JSON.stringify({ who: audit.who, why: audit.why, what: audit.what });
}

export function rowField(group: GroupId, shard: ShardId): string {
  return `${group}:${shard}`;
}

export function encodeRow(replicas: readonly Replica[]): string {
  return replicas
    .map((replica) => {
      assertNodeId(replica.node);
      return `${replica.node}:${replica.state}`;
    })
    .join(',');
}

function decodeRow(row: string): Replica[] {
  return row.split(',').map((item) => {
    const colon = item.indexOf(':');
    const state = item.slice(colon + 1);
    if (colon <= 0 || !states.has(state)) {
      throw new StoreError('store_corrupt', `A placement row holds ${JSON.stringify(item)}.`);
    }
    return { node: nodeId(item.slice(0, colon)), state: state as ReplicaState };
  });
}

/** From the flat fields and values of a placement hash. Groups rise; missing rows are empty. */
export function decodePlacement(flat: readonly string[], shardCount: number): GroupPlacement[] {
  const groups = new Map<number, Replica[][]>();
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const field = flat[i] ?? '';
    if (field === 'groups') continue;
    const [group, shard] = field.split(':').map(Number);
    if (group === undefined || shard === undefined || !Number.isInteger(group + shard)) {
      throw new StoreError('store_corrupt', `A placement has the field ${JSON.stringify(field)}.`);
    }
    let shards = groups.get(group);
    if (shards === undefined) {
      shards = Array.from({ length: shardCount }, () => []);
      groups.set(group, shards);
    }
    shards[shard] = decodeRow(flat[i + 1] ?? '');
  }
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([group, shards]) => ({
      group: groupId(group),
      shards: Array.from(
        { length: Math.max(shards.length, shardCount) },
        (_, s) => shards[s] ?? [],
      ),
    }));
}

/** `:` and `,` separate a row, `|` and blanks other values; a node named so could forge a row. */
function assertNodeId(id: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(id)) {
    throw new RangeError(`The node id ${JSON.stringify(id)} is not of [A-Za-z0-9._-]{1,128}.`);
  }
}
