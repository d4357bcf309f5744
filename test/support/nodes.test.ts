/**
 * Goal: tests get as many nodes as they ask for, and nothing stays when they are closed.
 * Method: ask for two, speak to both, close them.
 */
import { embeddedNodesForTest } from './nodes';

test('nodes with one master key, which they ask for', async () => {
  const { nodes, masterKey, close } = await embeddedNodesForTest(2);
  try {
    expect(nodes.map((node) => node.id)).toEqual(['meili-0', 'meili-1']);
    for (const { url } of nodes) {
      expect((await fetch(`${url}/version`)).status).toBe(401);
      const headers = { authorization: `Bearer ${masterKey}` };
      expect((await fetch(`${url}/version`, { headers })).status).toBe(200);
    }
  } finally {
    await close();
  }
  await expect(fetch(`${nodes[0]?.url ?? ''}/health`)).rejects.toThrow();
});
