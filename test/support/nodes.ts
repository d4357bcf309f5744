import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedNode } from '../../local/embedded-node/server';
import type { RunningEmbeddedNode } from '../../local/embedded-node/server';

export interface NodeForTest {
  readonly id: string;
  readonly url: string;
  readonly masterKey: string;
  /** Makes the node fail on demand. */
  readonly faults: RunningEmbeddedNode['faults'];
  stop(): Promise<void>;
}

/** `n` embedded nodes within this process, `meili-0 … meili-n-1`, with one master key. */
export async function embeddedNodesForTest(
  n: number,
): Promise<{ nodes: readonly NodeForTest[]; masterKey: string; close(): Promise<void> }> {
  const masterKey = randomBytes(16).toString('hex');
  const directory = await mkdtemp(join(tmpdir(), 'miroir-nodes-'));
  const nodes: NodeForTest[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    for (let i = 0; i < n; i += 1) {
      const id = `meili-${String(i)}`;
      const options = { port: 0, host: '127.0.0.1', masterKey, dataDir: join(directory, id) };
      const node = await startEmbeddedNode(options);
      const { url, faults } = node;
      nodes.push({ id, url, masterKey, faults, stop: () => node.close() });
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { nodes, masterKey, close };
}
