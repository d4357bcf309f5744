import { randomUUID } from 'node:crypto';
import type { Fleet, FleetNode } from '../../core/fleet';
import type { AddNodeInput, NodeToAdd, Verdict } from '../../core/operations';
import { isNodeError } from '../../meili/node-error';
import { readIdentity, writeIdentity } from '../../meili/node-identity';
import type { NodeClient } from '../../meili/types';
import { refuse, tryAgain } from '../errors';
import type { ActivityTools, Call } from '../tools';

const elsewhere = ({ id, group }: FleetNode): string =>
  `${id} is in group ${String(group)} already; remove it first.`;

const no = (reason: string): Verdict => ({ ok: false, reason });

/** Says why a node cannot be taken in; checked before anything is changed. */
export async function checkNewNode(
  tools: ActivityTools,
  { node }: AddNodeInput,
  call: Call,
): Promise<Verdict> {
  const fleet = await tools.store.fleet.load();
  const known = fleet.nodes.find(({ id }) => id === node.id);
  if (known !== undefined && known.url !== node.url) {
    return no(`There is a node ${node.id} already, at ${known.url}.`);
  }
  if (known !== undefined && known.group !== node.group) return no(elsewhere(known));
  const twin = fleet.nodes.find(({ id, url }) => id !== node.id && url === node.url);
  if (twin !== undefined) return no(`${node.url} is the node ${twin.id} already.`);
  const client = tools.nodes.client(node);
  await client.health({ signal: call.signal });
  const version = await versionRefusal(tools, fleet, node, client);
  if (version !== null) return no(version);
  return ownerRefusal(fleet, node, client);
}

const minorOf = (version: string): string => version.split('.').slice(0, 2).join('.');

/** Nodes of other minor versions rank differently, and the merge could not be exact. */
async function versionRefusal(
  tools: ActivityTools,
  fleet: Fleet,
  node: NodeToAdd,
  client: NodeClient,
): Promise<string | null> {
  const { pkgVersion } = await client.version();
  for (const other of fleet.nodes.filter(({ id }) => id !== node.id)) {
    try {
      const theirs = (await tools.nodes.client(other).version()).pkgVersion;
      if (minorOf(theirs) === minorOf(pkgVersion)) return null;
      return `${node.id} runs ${pkgVersion} and ${other.id} runs ${theirs}: upgrade first.`;
    } catch (error) {
      // One node that is away must not keep a new one out; the next one is asked.
      if (!isNodeError(error)) throw error;
    }
  }
  return null;
}

/** Documents from another life would be seen by searches that are not filtered. */
async function ownerRefusal(fleet: Fleet, node: NodeToAdd, client: NodeClient): Promise<Verdict> {
  const identity = await readIdentity(client);
  if (identity !== null && identity.node !== node.id) {
    return no(`This Meilisearch was the node ${identity.node}; empty it or add it by that name.`);
  }
  if (fleet.nodes.some(({ id }) => id === node.id)) return { ok: true };
  const { indexes } = await client.allStats();
  const ours = fleet.indexes.find(
    ({ physicalUid: uid }) => (indexes[uid]?.numberOfDocuments ?? 0) > 0,
  );
  if (ours === undefined) return { ok: true };
  return no(`${node.id} has documents of ${ours.uid} from a life before; empty it first.`);
}

/** Gives the node its identity and puts it into the table, where it holds nothing yet. */
export async function adoptNode(
  tools: ActivityTools,
  { node, who, why }: AddNodeInput,
): Promise<{ instanceId: string }> {
  const client = tools.nodes.client(node);
  if ((await readIdentity(client)) === null) {
    const failure = await writeIdentity(client, { node: node.id, instance: randomUUID() });
    if (failure !== null) {
      throw refuse('copy-refused', `The node's identity could not be written: ${failure}`);
    }
  }
  // Read back: of two attempts that wrote at once the node has one.
  const identity = await readIdentity(client);
  if (identity === null) throw tryAgain('identity-missing', `${node.id} lost its identity.`);
  const instanceId = identity.instance;
  await tools.store.fleet.update({ who, why, what: `add ${node.id}` }, ({ nodes }) => {
    const present = nodes.find(({ id }) => id === node.id);
    // Another operation may have taken it in since this one was checked.
    if (present !== undefined && present.group !== node.group) {
      throw refuse('change-refused', elsewhere(present));
    }
    if (present?.instanceId === instanceId && present.intent === 'active') return null;
    return [{ op: 'set-node', node: { ...node, intent: 'active', instanceId } }];
  });
  return { instanceId };
}
