import { isPowerOfTwo } from './numbers';
import type { Config } from './config';

/** A rule between settings: the problem and its reason, or null when it is kept. */
type Rule = (config: Config) => string | null;

const rules: readonly Rule[] = [
  ({ fleet }) =>
    isPowerOfTwo(fleet.shards)
      ? null
      : `fleet.shards is ${String(fleet.shards)}, but must be a power of two: a shard is a contiguous part of the buckets, and resharding splits or joins such parts.`,
  ({ pods }) =>
    pods.heartbeatMs * 3 <= pods.leaseMs
      ? null
      : `pods.heartbeatMs (${String(pods.heartbeatMs)}) must be at most a third of pods.leaseMs (${String(pods.leaseMs)}): two lost heartbeats must not end a lease, or a short pause of Redis stops the api.`,
  ({ nodes, api }) =>
    nodes.deadlineMs <= api.requestDeadlineMs
      ? null
      : `nodes.deadlineMs (${String(nodes.deadlineMs)}) must be at most api.requestDeadlineMs (${String(api.requestDeadlineMs)}): barriers wait for the longest request, and a call to a node that outlives it could land behind them.`,
  ({ writes, api }) =>
    writes.fenceMaxMs < api.requestDeadlineMs
      ? null
      : `writes.fenceMaxMs (${String(writes.fenceMaxMs)}) must be below api.requestDeadlineMs (${String(api.requestDeadlineMs)}): a write that waits for a fence must still have time to be sent and answered.`,
  ({ writes }) =>
    writes.writerHoldMs < writes.writerLeaseMs
      ? null
      : `writes.writerHoldMs (${String(writes.writerHoldMs)}) must be below writes.writerLeaseMs (${String(writes.writerLeaseMs)}): a process cannot hold the right to write longer than its lease.`,
  ({ writes, fleet }) =>
    writes.minInSync <= fleet.replicationFactor
      ? null
      : `writes.minInSync (${String(writes.minInSync)}) must be at most fleet.replicationFactor (${String(fleet.replicationFactor)}): no write could ever stand.`,
  ({ nodes }) =>
    duplicate(
      'id',
      nodes.bootstrap.map((node) => node.id),
    ),
  ({ nodes }) =>
    duplicate(
      'url',
      nodes.bootstrap.map((node) => node.url),
    ),
  ({ disk }) =>
    disk.noMovesAt <= disk.noGrowthAt && disk.hysteresis < disk.noMovesAt
      ? null
      : `disk.noMovesAt (${String(disk.noMovesAt)}) must be at most disk.noGrowthAt (${String(disk.noGrowthAt)}) and above disk.hysteresis (${String(disk.hysteresis)}): moves to a node end before its writes do, and a mark that is never left behind would stop them for ever.`,
  groupsHaveNodes,
  listensSafely,
];

/** Every broken rule, in the table's order; empty when the configuration can be used. */
export function brokenRules(config: Config): string[] {
  return rules.map((rule) => rule(config)).filter((problem) => problem !== null);
}

function duplicate(what: 'id' | 'url', values: readonly string[]): string | null {
  const twice = values.find((value, at) => values.indexOf(value) !== at);
  return twice === undefined
    ? null
    : `nodes.bootstrap has the ${what} ${twice} twice: two copies of a shard could end on one process, or one would hide the other.`;
}

function groupsHaveNodes({ nodes, fleet }: Config): string | null {
  if (nodes.bootstrap.length === 0) return null;
  const stranger = nodes.bootstrap.find((node) => node.group >= fleet.groups);
  if (stranger !== undefined) {
    return `nodes.bootstrap puts ${stranger.id} into group ${String(stranger.group)}, but fleet.groups is ${String(fleet.groups)}: groups count from 0.`;
  }
  for (let group = 0; group < fleet.groups; group += 1) {
    const count = nodes.bootstrap.filter((node) => node.group === group).length;
    if (count < fleet.replicationFactor) {
      return `group ${String(group)} has ${String(count)} nodes, but fleet.replicationFactor is ${String(fleet.replicationFactor)}: two copies of a shard never share a node, so each group needs as many nodes as copies.`;
    }
  }
  return null;
}

function listensSafely({ api }: Config): string | null {
  if (['127.0.0.1', '::1', 'localhost'].includes(api.host)) return null;
  if (api.masterKey === null) {
    return `api.host is ${api.host}, but api.masterKey is not set: everybody who reaches this address could read and delete everything.`;
  }
  if (Buffer.byteLength(api.adminKey) < 16) {
    return `api.host is ${api.host}, but api.adminKey has fewer than 16 bytes: everybody who reaches this address can try keys.`;
  }
  return null;
}
