import type { NodeId } from './ids';

/** What a node carries on its disk to say who it is. */
export interface NodeIdentity {
  readonly node: string;
  readonly instance: string;
}

/**
 * Why a node must not serve although it answers:
 * - `empty`: its disk is new; it holds nothing.
 * - `rolled-back`: it is itself as of an earlier moment, as after an old snapshot: it has lost tasks.
 * - `other-disk`: the disk is another node's, another fleet's, or nobody's that Miroir knows.
 */
export type Strangeness = 'empty' | 'rolled-back' | 'other-disk';

export interface SeenNode {
  readonly identity: NodeIdentity | null;
  /** Indexes on the node, Miroir's own left out. Only looked at where there is no identity. */
  readonly indexes: number;
  /** Whether the newest task that the fleet knows of is still there; `none`: it knows of none. */
  readonly mark: 'there' | 'gone' | 'none';
}

export type NodeVerdict =
  | { readonly kind: 'known' }
  /** A node that the fleet has never named: it gets this instance, or a new one when null. */
  | { readonly kind: 'unnamed'; readonly instance: string | null }
  | { readonly kind: 'strange'; readonly why: Strangeness };

/**
 * Holds a node's disk against what the fleet knows of it. A node without a name in the fleet is taken
 * as it is, but for a disk that carries another node's name.
 */
export function judgeNode(
  expected: { readonly id: NodeId; readonly instanceId: string | null },
  seen: SeenNode,
): NodeVerdict {
  const { identity, indexes, mark } = seen;
  if (expected.instanceId === null) {
    if (identity === null) return { kind: 'unnamed', instance: null };
    if (identity.node !== expected.id) return { kind: 'strange', why: 'other-disk' };
    return { kind: 'unnamed', instance: identity.instance };
  }
  if (identity === null) return { kind: 'strange', why: indexes === 0 ? 'empty' : 'other-disk' };
  if (identity.instance !== expected.instanceId) return { kind: 'strange', why: 'other-disk' };
  return mark === 'gone' ? { kind: 'strange', why: 'rolled-back' } : { kind: 'known' };
}
