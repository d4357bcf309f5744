import type { FleetNode } from './fleet';
import type { NodeId } from './ids';

/** Something that takes a part of a whole: a zone, or a node in it. */
interface Taker {
  readonly name: string;
  readonly weight: number;
  /** It can take no more than this. */
  readonly cap: number;
  /** What it has now: of two equal claims to one more, the one that has it keeps it. */
  readonly present: number;
}

/**
 * Splits `total` by weight, none above its cap: what one cannot take is poured over the others, as
 * water fills vessels. Whole numbers, which are the exact shares rounded down or up.
 */
export function waterFill(total: number, takers: readonly Taker[]): Map<string, number> {
  const exact = new Map<string, number>();
  let open = [...takers];
  let rest = Math.min(
    total,
    takers.reduce((sum, { cap }) => sum + cap, 0),
  );
  const wanted = rest;
  for (;;) {
    const weight = open.reduce((sum, taker) => sum + taker.weight, 0);
    const full = open.filter((taker) => rest * taker.weight >= taker.cap * weight);
    if (full.length === 0) {
      for (const taker of open) exact.set(taker.name, (rest * taker.weight) / weight);
      break;
    }
    for (const taker of full) {
      exact.set(taker.name, taker.cap);
      rest -= taker.cap;
    }
    open = open.filter((taker) => !full.includes(taker));
    if (open.length === 0) break;
  }
  return roundShares(wanted, takers, exact);
}

/** Rounds shares down and gives what is left, one each, to those that have most at present. */
function roundShares(
  total: number,
  takers: readonly Taker[],
  exact: ReadonlyMap<string, number>,
): Map<string, number> {
  const tolerance = 1e-9;
  const rounded = new Map(
    takers.map(({ name }) => [name, Math.floor((exact.get(name) ?? 0) + tolerance)]),
  );
  let left = total - [...rounded.values()].reduce((sum, share) => sum + share, 0);
  const claims = takers
    .map((taker) => {
      const floor = rounded.get(taker.name) ?? 0;
      const fraction = (exact.get(taker.name) ?? 0) - floor;
      return { ...taker, floor, fraction, surplus: taker.present - floor };
    })
    .filter(({ floor, cap, fraction }) => floor < cap && fraction > tolerance)
    .sort(
      (a, b) =>
        Number(b.surplus > 0) - Number(a.surplus > 0) ||
        b.fraction - a.fraction ||
        b.surplus - a.surplus ||
        (a.name < b.name ? -1 : 1),
    );
  for (const { name, floor } of claims) {
    if (left <= 0) break;
    rounded.set(name, floor + 1);
    left -= 1;
  }
  return rounded;
}

const zoneOf = (node: FleetNode): string => node.zone ?? '';

/**
 * How many replicas each node of a group is to hold. Zones come first: while others have room, no
 * zone takes more copies of a shard than an even spread gives it; inside a zone weights count.
 */
export function fairShares(
  nodes: readonly FleetNode[],
  shardCount: number,
  copies: number,
  load: ReadonlyMap<NodeId, number>,
): Map<NodeId, number> {
  const zones = new Map<string, FleetNode[]>();
  for (const node of nodes) zones.set(zoneOf(node), [...(zones.get(zoneOf(node)) ?? []), node]);
  const perZone = Math.ceil(copies / zones.size);
  const takers = (limit: (size: number) => number): Taker[] =>
    [...zones].map(([name, members]) => ({
      name,
      weight: members.reduce((sum, { weight }) => sum + weight, 0),
      cap: shardCount * limit(members.length),
      present: members.reduce((sum, { id }) => sum + (load.get(id) ?? 0), 0),
    }));
  const total = shardCount * copies;
  let ofZones = waterFill(
    total,
    takers((size) => Math.min(size, perZone)),
  );
  const spread = [...ofZones.values()].reduce((sum, share) => sum + share, 0);
  // Too few nodes in some zone: zones yield before copies do.
  if (spread < total)
    ofZones = waterFill(
      total,
      takers((size) => size),
    );
  const shares = new Map<NodeId, number>();
  for (const [zone, members] of zones) {
    const ofNodes = waterFill(
      ofZones.get(zone) ?? 0,
      members.map(({ id, weight }) => {
        return { name: id, weight, cap: shardCount, present: load.get(id) ?? 0 };
      }),
    );
    for (const { id } of members) shares.set(id, ofNodes.get(id) ?? 0);
  }
  return shares;
}
