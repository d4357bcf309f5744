import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeId } from '../../core/ids';
import type { NodeId } from '../../core/ids';
import { startEmbeddedNode } from '../../local/embedded-node/server';
import { findEngine } from '../../local/engines';
import { startNodeProcess } from '../../local/node-process';
import { createSupervisor } from '../../local/supervisor';
import { builtForTest } from '../support/built';

export type EngineKind = 'embedded' | 'real';
/** The real Meilisearch takes part whenever MEILISEARCH_BIN names one. */
export const engines: readonly EngineKind[] =
  (process.env['MEILISEARCH_BIN'] ?? '') === '' ? ['embedded'] : ['embedded', 'real'];

type Faults = Awaited<ReturnType<typeof startEmbeddedNode>>['faults'];

export interface RunningNode {
  readonly id: NodeId;
  readonly url: string;
  readonly faults: Faults | null;
}

/** `n` nodes with one master key, `meili-0 …`. */
export async function startNodes(
  n: number,
  kind: EngineKind,
  masterKey: string,
): Promise<{ nodes: RunningNode[]; close(): Promise<void> }> {
  const supervisor = createSupervisor();
  const directory = mkdtempSync(join(tmpdir(), 'miroir-activities-'));
  supervisor.removeAtEnd(directory);
  const closers: (() => Promise<void>)[] = [];
  const nodes: RunningNode[] = [];
  if (kind === 'real') process.env['MIROIR_BUILT'] = builtForTest();
  for (let i = 0; i < n; i += 1) {
    const id = nodeId(`meili-${String(i)}`);
    if (kind === 'embedded') {
      const dataDir = join(directory, id);
      const node = await startEmbeddedNode({ port: 0, host: '127.0.0.1', masterKey, dataDir });
      closers.push(() => node.close());
      nodes.push({ id, url: node.url, faults: node.faults });
    } else {
      const context = { supervisor, directory, env: process.env };
      const engine = await findEngine(process.env, 'auto');
      const { url } = await startNodeProcess(context, engine, { id, group: 0, masterKey, port: 0 });
      nodes.push({ id, url, faults: null });
    }
  }
  return {
    nodes,
    close: async () => {
      await Promise.all(closers.map((close) => close()));
      await supervisor.close();
    },
  };
}
