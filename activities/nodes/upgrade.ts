import { execFile } from 'node:child_process';
import { holders } from '../../core/covering-set';
import type { FleetNode, IndexEntry } from '../../core/fleet';
import type { Epoch, IndexUid, NodeId } from '../../core/ids';
import type { Origin } from '../../core/operations';
import type {
  NodeInspection,
  UpgradeInput,
  UpgradePlan,
  UpgradePlanNode,
} from '../../core/upgrade';
import { isNodeError } from '../../meili/node-error';
import { refuse, tryAgain } from '../errors';
import { clientOf, nodeOf, stopIfCancelled } from '../tools';
import type { ActivityTools, Call } from '../tools';
import { readIdentity } from '../../meili/node-identity';
import { onlyHere } from './leave';

type Named = Origin & { readonly node: NodeId };

/** A node that was restarted may load its indexes for a while before it answers. */
const backWithinMs = 10 * 60_000;
const lookMs = 500;
const restartMsMax = 10 * 60_000;

/** What will be restarted, in which order, and what cannot be read meanwhile. */
export async function planUpgrade(
  tools: ActivityTools,
  input: UpgradeInput,
  call: Call,
): Promise<UpgradePlan> {
  const fleet = await tools.store.fleet.load();
  const refused: string[] = [];
  if (input.restart === 'command' && tools.config.restartCommand === null) {
    refused.push('the worker has no `nodes.restartCommand`, so the operator must restart');
  }
  const nodes: UpgradePlanNode[] = [];
  for (const id of input.nodes) {
    const node = fleet.nodes.find((one) => one.id === id);
    if (node === undefined) {
      refused.push(`there is no node ${id}`);
      continue;
    }
    const version = await versionOf(tools, node, call);
    if (input.version !== null && version === input.version) continue;
    const unavailable = onlyHere(fleet, node.id);
    nodes.push({
      ...{ node: node.id, group: node.group, version, unavailable },
      copies: fleet.indexes.reduce((sum, e) => sum + (holders(e).get(node.id)?.length ?? 0), 0),
    });
    if (unavailable.length > 0 && !input.acceptUnavailable) {
      refused.push(
        `${node.id} has the only in-sync copy of shards of ${unavailable.join(', ')}: add copies, ` +
          'or accept that these are unavailable while it restarts',
      );
    }
  }
  return { kind: 'upgrade', epoch: fleet.epoch, nodes, refused };
}

async function versionOf(
  tools: ActivityTools,
  node: FleetNode,
  { signal }: Call,
): Promise<string | null> {
  try {
    return (await tools.nodes.client(node).version({ signal })).pkgVersion;
  } catch (error) {
    if (!isNodeError(error)) throw error;
    return null;
  }
}

/**
 * Sends reads elsewhere, or back. The node keeps its copies and gets every write; it is read only for
 * what nobody else has. Returns the epoch from which on that holds.
 */
export async function restNode(
  { store }: ActivityTools,
  request: Named & { readonly resting: boolean; readonly acceptUnavailable: boolean },
): Promise<Epoch> {
  const { who, why, node, resting, acceptUnavailable } = request;
  const what = resting ? `${node} is not read` : `${node} is read again`;
  let lonely: readonly IndexUid[] = [];
  const { epoch } = await store.fleet.update({ who, why, what }, (fleet) => {
    const present = fleet.nodes.find(({ id }) => id === node);
    lonely = resting && !acceptUnavailable ? onlyHere(fleet, node) : [];
    if (present === undefined || lonely.length > 0 || (present.resting ?? false) === resting) {
      return null;
    }
    const { resting: _, ...awake } = present;
    return [{ op: 'set-node', node: resting ? { ...awake, resting } : awake }];
  });
  if (lonely.length === 0) return epoch;
  throw refuse(
    'node-needed',
    `${node} has become the only in-sync holder of shards of ${lonely.join(', ')}.`,
  );
}

/**
 * Runs the configured command, which is to come back when the node was restarted. What it prints goes
 * nowhere: it may hold secrets, and histories keep what they are given.
 */
export async function restartNode(
  tools: ActivityTools,
  { node: id, version }: { readonly node: NodeId; readonly version: string | null },
  call: Call,
): Promise<void> {
  const command = tools.config.restartCommand;
  if (command === null) throw refuse('no-restart-command', 'The worker has no restart command.');
  const { url, group, zone } = await nodeOf(tools, id);
  const env = {
    ...withoutSecrets(process.env),
    ...{ MIROIR_NODE_ID: id, MIROIR_NODE_URL: url, MIROIR_NODE_GROUP: String(group) },
    ...{ MIROIR_NODE_ZONE: zone ?? '', MIROIR_NODE_VERSION: version ?? '' },
  };
  tools.log.info({ node: id, version }, 'restart command begins');
  const code = await new Promise<string | null>((resolve) => {
    const options = { env, signal: call.signal, timeout: restartMsMax };
    execFile('/bin/sh', ['-c', command], options, (error) => {
      resolve(error === null ? null : String(error.code ?? error.signal ?? error.name));
    });
  });
  stopIfCancelled(call);
  tools.log.info({ node: id, code }, 'restart command ended');
  if (code !== null) {
    throw tryAgain('restart-failed', `The restart command for ${id} ended with ${code}.`);
  }
}

/** The worker's own keys are none of the command's business. */
function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(MIROIR_.*KEY|REDIS_URL)$/.test(name)),
  );
}

/** Waits until the node answers with the wanted version: what a restart by hand looks like from here. */
export async function awaitVersion(
  tools: ActivityTools,
  { node: id, version }: { readonly node: NodeId; readonly version: string },
  call: Call,
): Promise<void> {
  for (;;) {
    const seen = await versionOf(tools, await nodeOf(tools, id), call);
    call.beat({ seen });
    if (seen === version) return;
    await tools.clock.sleep(lookMs, call.signal);
  }
}

/** Is the node back, itself, and of the wanted version? What is not so can be mended and looked at again. */
export async function inspectNode(
  tools: ActivityTools,
  request: { readonly node: NodeId; readonly version: string | null; readonly patient: boolean },
  call: Call,
): Promise<NodeInspection> {
  const { node: id, version: wanted, patient } = request;
  const fleet = await tools.store.fleet.load();
  const node = await nodeOf(tools, id);
  const indexes = fleet.indexes.filter((entry) => holders(entry).has(id)).map(({ uid }) => uid);
  const no = (reason: string, version: string | null): NodeInspection => {
    return { ok: false, reason, version, indexes };
  };
  const until = tools.clock.now() + (patient ? backWithinMs : 0);
  let version = await versionOf(tools, node, call);
  while (version === null && tools.clock.now() < until) {
    call.beat({ waitingFor: id });
    await tools.clock.sleep(lookMs, call.signal);
    version = await versionOf(tools, node, call);
  }
  if (version === null) return no(`${id} does not answer`, null);
  if (wanted !== null && version !== wanted) {
    return no(`${id} runs ${version} and not ${wanted}`, version);
  }
  const client = await clientOf(tools, id);
  await client.health({ signal: call.signal });
  const identity = await readIdentity(client);
  const known = node.instanceId;
  if (known !== null && identity?.instance !== known) {
    const found = identity === null ? 'an empty disk' : `the disk of ${identity.node}`;
    return no(`${id} came back with ${found}: give it its own, or replace it`, version);
  }
  const stats = (await client.allStats({ signal: call.signal })).indexes;
  const missing = fleet.indexes.filter(
    (entry) => hasInSync(entry, id) && stats[entry.physicalUid] === undefined,
  );
  if (missing.length > 0) {
    return no(`${id} came back without ${missing.map(({ uid }) => uid).join(', ')}`, version);
  }
  return { ok: true, reason: null, version, indexes };
}

const hasInSync = (entry: IndexEntry, id: NodeId): boolean =>
  entry.placement.some(({ shards }) =>
    shards.flat().some(({ node, state }) => node === id && state === 'in-sync'),
  );

/** Copies of the node that missed a write. */
export async function countStale(
  { store }: ActivityTools,
  { node: id }: { readonly node: NodeId },
): Promise<number> {
  const { indexes } = await store.fleet.load();
  const rows = indexes.flatMap(({ placement }) => placement.flatMap(({ shards }) => shards.flat()));
  return rows.filter(({ node, state }) => node === id && state === 'stale').length;
}
