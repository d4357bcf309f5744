/**
 * Goal: each process speaks to the nodes with its own key, which others can take away from it.
 * Method: a server made here that checks keys as Meilisearch does.
 */
import { randomUUID } from 'node:crypto';
import { nodeId, physicalUid } from '../../core/ids';
import { nodeKeyText } from '../../meili/node-key';
import { createNodes } from '../../meili/nodes';
import type { Nodes, NodesOptions } from '../../meili/types';
import { fakeNode, json } from '../support/fake-node';
import type { FakeNode } from '../support/fake-node';

const masterKey = 'a-master-key-of-the-nodes';
const open: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

interface KeyedNode extends FakeNode {
  readonly keys: Set<string>;
  readonly withMasterKey: string[];
}

async function keyedNode(): Promise<KeyedNode> {
  const keys = new Set<string>();
  const withMasterKey: string[] = [];
  const node = await fakeNode((request, response) => {
    const bearer = request.headers.authorization?.slice('Bearer '.length) ?? '';
    const isMaster = bearer === masterKey;
    if (isMaster) withMasterKey.push(`${request.method ?? ''} ${request.url ?? ''}`);
    const known = [...keys].some((uid) => nodeKeyText(masterKey, uid) === bearer);
    if (!isMaster && !known) return json(response, 403, { code: 'invalid_api_key' });
    if (request.url === '/keys') {
      const { uid } = JSON.parse(request.body) as { uid: string };
      if (keys.has(uid)) return json(response, 409, { code: 'api_key_already_exists' });
      keys.add(uid);
      return json(response, 201, {});
    }
    if (request.method === 'DELETE' && request.url?.startsWith('/keys/') === true) {
      const gone = keys.delete(request.url.slice('/keys/'.length));
      return gone ? response.writeHead(204).end() : json(response, 404, { code: 'x' });
    }
    return json(response, 200, { taskUid: 1 });
  });
  const keyed = { ...node, keys, withMasterKey };
  open.push(keyed);
  return keyed;
}

function nodesOf(options: Partial<NodesOptions> = {}): Nodes {
  const nodes = createNodes({ masterKey, nodeKeyUid: randomUUID(), ...options });
  open.push(nodes);
  return nodes;
}

const ref = (node: FakeNode): { id: ReturnType<typeof nodeId>; url: string } => ({
  id: nodeId('meili-0'),
  url: node.url,
});

test("the key's text follows Meilisearch's rule", () => {
  // Computed with: printf <uid> | openssl dgst -sha256 -hmac masterKey
  expect(nodeKeyText('masterKey', '74c9c733-3368-4738-bbe5-1d18a5fecb37')).toBe(
    '1f9a5b47f5439bff2e2603c5c295ad55e888c92a57f607ab76ab046118556da6',
  );
  expect(nodeKeyText('masterKey', 'a')).not.toBe(nodeKeyText('otherKey', 'a'));
});

test('the key is made once, also by many first requests together; only that carries the master key', async () => {
  const node = await keyedNode();
  const client = nodesOf().client(ref(node));
  await Promise.all([client.version(), client.version(), client.allStats()]);
  expect(node.keys.size).toBe(1);
  expect(node.withMasterKey).toEqual(['POST /keys']);
});

test('a node that was emptied gets the key again and the request succeeds', async () => {
  const node = await keyedNode();
  const client = nodesOf().client(ref(node));
  await client.version();
  node.keys.clear();
  expect(await client.deleteAll(physicalUid('movies'))).toBe(1);
  expect(node.keys.size).toBe(1);
});

test('a process that lost its lease stays shut out after its key was revoked', async () => {
  const node = await keyedNode();
  let leased = true;
  const nodeKeyUid = randomUUID();
  const client = nodesOf({ nodeKeyUid, mayRecreateKey: () => leased }).client(ref(node));
  await client.version();
  leased = false;
  await nodesOf().revokeKey(ref(node), nodeKeyUid);
  await expect(client.deleteAll(physicalUid('movies'))).rejects.toMatchObject({
    code: 'node_refused',
    status: 403,
  });
  expect(node.keys.size).toBe(0);
});

test('to revoke a key that is gone is no error', async () => {
  const node = await keyedNode();
  await expect(nodesOf().revokeKey(ref(node), randomUUID())).resolves.toBeUndefined();
});

test('the same node gives the same client; another url gives a new one', async () => {
  const [first, second] = [await keyedNode(), await keyedNode()];
  const nodes = nodesOf();
  expect(nodes.client(ref(first))).toBe(nodes.client(ref(first)));
  await nodes.client(ref(second)).version();
  expect(second.seen).toContain('GET /version');
});

test('a node that cannot make the key in time fails the request as not sent', async () => {
  const node = await fakeNode(() => undefined);
  open.push(node);
  const client = nodesOf().client(ref(node));
  await expect(client.deleteAll(physicalUid('movies'), { deadlineMs: 50 })).rejects.toMatchObject({
    code: 'node_timeout',
    outcomeUnknown: false,
  });
});
