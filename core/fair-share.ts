import type { FleetNode } from './fleet';
import type { NodeId } from './ids';

/** Something that takes a part of a whole: a zone, or a node in it. */
interface Taker {
  readonly name: string;
  readonly weight: number;
  /** It can take no more than this. */
  readonly cap: number;
}

/**
 * Splits `total` by weight, none above its cap: what one cannot take is poured over the others, as
 * water fills vessels. Where all are full, the rest stays out.
 */
export function waterFill(total: number, takers: readonly Taker[]): Map<string, number> {
  const shares = new Map<string, number>();
  let open = [...takers];
  let rest = total;
  while (open.length > 0) {
    const left = rest;
    const weight = open.reduce((sum, taker) => sum + taker.weight, 0);
    const full = open.filter((taker) => left * taker.weight >= taker.cap * weight);
    if (full.length === 0) {
      for (const taker of open) shares.set(taker.name, (left * taker.weight) / weight);
      break;
    }
    for (const taker of full) {
      shares.set(taker.name, taker.cap);
      rest -= taker.cap;
    }
    open = open.filter((taker) => !full.includes(taker));
  }
  return shares;
}

const zoneOf = (node: FleetNode): string => node.zone ?? '';

/**
 * How many copies each node of a group should hold, as an exact share and no whole number. Zones
 * come first: while others have room, no zone takes more copies of a shard than an even spread
 * gives it; inside a zone weights count. No node can hold two copies of one shard.
 */
export function fairShares(
  nodes: readonly FleetNode[],
  shardCount: number,
  copies: number,
): Map<NodeId, number> {
  const zones = new Map<string, FleetNode[]>();
  for (const node of nodes) zones.set(zoneOf(node), [...(zones.get(zoneOf(node)) ?? []), node]);
  const perZone = Math.ceil(copies / zones.size);
  const takers = (limit: (size: number) => number): Taker[] =>
    [...zones].map(([name, members]) => ({
      name,
      weight: members.reduce((sum, { weight }) => sum + weight, 0),
      cap: shardCount * limit(members.length),
    }));
  const total = shardCount * copies;
  const spread = takers((size) => Math.min(size, perZone));
  const room = spread.reduce((sum, { cap }) => sum + cap, 0);
  // Too few nodes in some zone: zones yield before copies do.
  const ofZones = waterFill(total, room >= total ? spread : takers((size) => size));
  const shares = new Map<NodeId, number>();
  for (const [zone, members] of zones) {
    const ofNodes = waterFill(
      ofZones.get(zone) ?? 0,
      members.map(({ id, weight }) => ({ name: id, weight, cap: shardCount })),
    );
    for (const { id } of members) shares.set(id, ofNodes.get(id) ?? 0);
  }
  return shares;
}
