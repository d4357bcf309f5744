import { decodeSeq, hiddenField } from '../../core/hidden-fields';
import { MeiliError } from '../../core/errors';
import type { Fleet, IndexEntry } from '../../core/fleet';
import { holders } from '../../core/covering-set';
import { epoch as epochOf } from '../../core/ids';
import type { Epoch, NodeId, PhysicalUid } from '../../core/ids';
import { recoveredFleet } from '../../core/recovery';
import { readState } from '../../meili/node-meta';
import type { NodeClient } from '../../meili/types';
import type { ApiContext } from '../context';
import { lookForStates } from './look';
import type { SeenStates } from './look';
import { metaSecret } from './meta-writer';
import { Sealer } from './seal';
import { everything, idOfKind, keptKinds } from './state';
import type { MetaState } from './state';

export interface RecoveryPlan {
  /** What Redis has now. */
  readonly present: Epoch;
  /** The highest epoch that any process or node has seen. */
  readonly seen: Epoch;
  /** The epoch of the state that would be restored; null: none can be. */
  readonly from: Epoch | null;
  /** Where it is: a node's id, or `memory` of this pod. */
  readonly source: string | null;
  /** The epoch that the fleet would get. */
  readonly to: Epoch;
  /** Changes that were seen and are nowhere any more. */
  readonly missing: number;
  readonly needed: boolean;
  readonly nodes: readonly string[];
  readonly indexes: readonly string[];
  readonly aliases: readonly string[];
  readonly states: readonly SeenStates[];
}

export interface Recovery {
  readonly plan: RecoveryPlan;
  readonly state: MetaState | null;
}

/** A few documents and tasks may be on their way into a node's queue while it is asked. */
const taskUidGap = 1_000;
const sequenceGap = 100_000;

/** Looks at everything that is left, and changes nothing. */
export async function planRecovery(ctx: ApiContext): Promise<Recovery> {
  const states = await lookForStates(ctx);
  const present = await ctx.store.fleet.epoch();
  const acknowledged = (await ctx.store.pods.list()).map((pod) => pod.acknowledged ?? 0);
  const seen = epochOf(Math.max(ctx.store.fleet.floor(), present, ...acknowledged));
  const found = await newestState(ctx, states);
  const memory = ctx.fleet.lost() ? null : ctx.fleet.current();
  const isMemory = memory !== null && memory.epoch > (found?.state.fleet.epoch ?? 0);
  const state = found === null ? null : isMemory ? { ...found.state, fleet: memory } : found.state;
  const from = state?.fleet.epoch ?? null;
  const plan: RecoveryPlan = {
    ...{ present, seen, from, source: found === null ? null : isMemory ? 'memory' : found.node },
    to: epochOf(seen + 1),
    missing: Math.max(0, seen - (from ?? 0)),
    needed: present < seen,
    nodes: (state?.fleet.nodes ?? []).map(({ id }) => id),
    indexes: (state?.fleet.indexes ?? []).map(({ uid }) => uid),
    aliases: (state?.fleet.aliases ?? []).map(({ name }) => name),
    states: states.map(({ node, epochs }) => ({ node, epochs: epochs.slice(0, 3) })),
  };
  return { plan, state };
}

/** The newest one that this fleet's secret opens; a node may hold newer ones of another fleet. */
async function newestState(
  ctx: ApiContext,
  states: readonly SeenStates[],
): Promise<{ node: NodeId; state: MetaState } | null> {
  const sealer = new Sealer(metaSecret(ctx.config));
  const all = states
    .flatMap(({ node, epochs }) => epochs.map((epoch) => ({ node, epoch })))
    .sort((a, b) => b.epoch - a.epoch);
  for (const { node: id, epoch } of all) {
    const node = ctx.fleet.node(id);
    if (node === null) continue;
    const kept = await readState(ctx.nodes.client(node), epoch).catch(() => null);
    const text = kept === null ? null : await sealer.open(kept.sealed, String(epoch));
    if (text !== null) return { node: id, state: JSON.parse(text) as MetaState };
  }
  return null;
}

/**
 * Makes Redis say again what the nodes remember, at an epoch above every one that was seen. Refused when
 * there is nothing to recover, nothing to recover from, or when changes would be missing and that was
 * not accepted.
 */
export async function recover(
  ctx: ApiContext,
  wish: { readonly who: string; readonly why: string; readonly acceptMissing: boolean },
): Promise<RecoveryPlan> {
  const { plan, state } = await planRecovery(ctx);
  if (!plan.needed) throw refusal('Redis has the newest state that was ever seen.');
  if (state === null) {
    throw refusal('no node has a state of the fleet that this secret (`meta.secret`) opens.');
  }
  if (plan.missing > 0 && !wish.acceptMissing) {
    throw refusal(
      `epoch ${plan.seen} was seen, but the newest state that is left is of epoch ${plan.from ?? 0}. With \`acceptMissing\` the changes between are given up.`,
    );
  }
  const fleet = recoveredFleet(state.fleet);
  const clients = new Map(fleet.nodes.map((node) => [node.id, ctx.nodes.client(node)]));
  const sequences = new Map<PhysicalUid, number>();
  for (const entry of fleet.indexes) {
    sequences.set(entry.physicalUid, await firstFreeSequence(entry, clients));
  }
  const nextTaskUid = Math.max(state.nextTaskUid, await firstFreeTaskUid(clients)) + taskUidGap;
  await putRecords(ctx, state);
  await noteReadiness(ctx, fleet);
  const audit = { who: wish.who, why: wish.why, what: `recover epoch ${plan.from ?? 0}` };
  const epoch = await ctx.store.fleet.restore({
    ...{ fleet, epoch: plan.to, audit, nextTaskUid, sequences },
  });
  await ctx.fleet.reload(epoch);
  return plan;
}

async function putRecords(ctx: ApiContext, state: MetaState): Promise<void> {
  for (const kind of keptKinds) {
    const idOf = idOfKind[kind] as (record: object) => string;
    const store = ctx.store[kind] as unknown as {
      list(page: object): Promise<object[]>;
      put(record: object): Promise<void>;
      delete(id: string): Promise<boolean>;
    };
    const wanted = state.records[kind] ?? [];
    const kept = new Set(wanted.map(idOf));
    // A pod that started on the empty Redis has made keys of its own, which nobody was given.
    for (const record of await everything(store)) {
      if (!kept.has(idOf(record))) await store.delete(idOf(record));
    }
    for (const record of wanted) await store.put(record);
  }
}

/** Nodes that hold an index have it with its settings: they need not get these again. */
async function noteReadiness(ctx: ApiContext, fleet: Fleet): Promise<void> {
  const appliedAt = new Date().toISOString();
  for (const entry of fleet.indexes) {
    for (const node of holders(entry).keys()) {
      await ctx.store.nodeSettingsVersions.create({
        ...{
          physicalUid: entry.physicalUid,
          node,
          settingsVersion: 0,
          settingsHash: '',
          appliedAt,
        },
      });
    }
  }
}

async function firstFreeSequence(
  entry: IndexEntry,
  clients: ReadonlyMap<NodeId, NodeClient>,
): Promise<number> {
  let highest = 0;
  for (const node of holders(entry).keys()) {
    const client = clients.get(node);
    if (client === undefined) continue;
    const body = { limit: 1, sort: [`${hiddenField.seq}:desc`], fields: [hiddenField.seq] };
    // A node that is away has no document that no other copy has, or its shard is away as well.
    const answer = await client.fetchDocuments(entry.physicalUid, body).catch(() => null);
    if (answer === null) continue;
    const { results } = JSON.parse(answer.bytes.toString('utf8')) as {
      results: { [name: string]: unknown }[];
    };
    const code = results[0]?.[hiddenField.seq];
    if (typeof code === 'string') highest = Math.max(highest, decodeSeq(code) + 1);
  }
  return highest + sequenceGap;
}

const tasksPerPage = 1_000;

/** Each node task of a client's write carries the fleet's task uid. */
async function firstFreeTaskUid(clients: ReadonlyMap<NodeId, NodeClient>): Promise<number> {
  let highest = 0;
  for (const client of clients.values()) {
    const page = await client.tasks({ limit: tasksPerPage }).catch(() => null);
    for (const { customMetadata } of page?.results ?? []) {
      const uid = /^m(\d+)$/.exec(customMetadata ?? '')?.[1];
      if (uid !== undefined) highest = Math.max(highest, Number(uid) + 1);
    }
  }
  return highest;
}

const refusal = (why: string): MeiliError =>
  new MeiliError('miroir_operation_refused', `Nothing was recovered: ${why}`);
