import { holders } from '../../core/covering-set';
import type { IndexEntry, Settings } from '../../core/fleet';
import type { NodeId } from '../../core/ids';
import { canonicalJson, physicalChanges, physicalSettings } from '../../core/settings/physical';
import type { ApiContext } from '../context';
import { clientOf } from '../client-of';

/** Before anything was measured on this index: a pass of a v1.50 node over small documents. */
const defaultDocumentsPerSecond = 15_000;
/** A pass over fewer documents says more about the queue than about the rate. */
const measuredDocumentsMin = 1_000;

export interface SettingChange {
  readonly setting: string;
  /** `free`: Miroir applies it to answers. `reindex`: each node passes over all of its documents. */
  readonly cost: 'free' | 'reindex';
  readonly why: string;
}

export interface SettingsPlan {
  readonly index: string;
  readonly settingsVersion: number;
  readonly changes: readonly SettingChange[];
  /** Nodes that would pass over their documents; empty when the change costs them nothing. */
  readonly nodes: readonly {
    readonly node: NodeId;
    /** Of the index on this node, all copies counted; null: it did not answer. */
    readonly documents: number | null;
    readonly minutes: number | null;
  }[];
  readonly documents: number;
  /** Nodes work side by side, so the slowest counts. */
  readonly minutes: number;
  readonly documentsPerSecond: number;
  /** Whether the rate is this index's own, of its last settings change. */
  readonly measured: boolean;
}

/** What a settings change would make the nodes do. Nothing is sent but questions. */
export async function planSettings(
  ctx: ApiContext,
  entry: IndexEntry,
  wanted: Settings,
): Promise<SettingsPlan> {
  const sent = physicalChanges(physicalSettings(entry.settings), physicalSettings(wanted));
  const changes = changesOf(entry.settings, wanted, new Set(Object.keys(sent)));
  const touched = Object.keys(sent).length > 0 ? [...holders(entry).keys()].sort() : [];
  const looked = await Promise.all(touched.map((node) => lookAt(ctx, entry, node)));
  const rates = looked.flatMap(({ rate }) => (rate === null ? [] : [rate])).sort((a, b) => a - b);
  const measured = rates[rates.length >> 1];
  const documentsPerSecond = Math.round(measured ?? defaultDocumentsPerSecond);
  const nodes = looked.map(({ node, documents }) => ({
    node,
    documents,
    minutes: documents === null ? null : documents / documentsPerSecond / 60,
  }));
  return {
    index: entry.uid,
    settingsVersion: entry.settingsVersion,
    changes,
    nodes,
    documents: nodes.reduce((sum, { documents }) => sum + (documents ?? 0), 0),
    minutes: Math.max(0, ...nodes.map(({ minutes }) => minutes ?? 0)),
    documentsPerSecond,
    measured: measured !== undefined,
  };
}

function changesOf(before: Settings, after: Settings, sent: ReadonlySet<string>): SettingChange[] {
  return Object.keys(after)
    .filter((name) => canonicalJson(before[name] ?? null) !== canonicalJson(after[name] ?? null))
    .sort()
    .map((setting): SettingChange => {
      if (!sent.has(setting)) {
        return { setting, cost: 'free', why: 'Miroir applies it to answers; no node hears of it' };
      }
      const why =
        setting === 'embedders'
          ? 'each node passes over its documents and may ask the embedder for each of them'
          : 'each node passes over its documents';
      return { setting, cost: 'reindex', why };
    });
}

interface Looked {
  readonly node: NodeId;
  readonly documents: number | null;
  /** Documents a second of its last settings task, when it says something. */
  readonly rate: number | null;
}

async function lookAt(ctx: ApiContext, entry: IndexEntry, node: NodeId): Promise<Looked> {
  const client = clientOf(ctx, node);
  if (client === null) return { node, documents: null, rate: null };
  try {
    const { numberOfDocuments: documents } = await client.stats(entry.physicalUid);
    const { results } = await client.tasks({
      indexUids: [entry.physicalUid],
      types: ['settingsUpdate'],
      statuses: ['succeeded'],
      limit: 2,
    });
    const [last] = results;
    const ms = Date.parse(last?.finishedAt ?? '') - Date.parse(last?.startedAt ?? '');
    // The first settings task of an index came before its documents.
    const tells = results.length > 1 && documents >= measuredDocumentsMin && ms > 0;
    return { node, documents, rate: tells ? (documents / ms) * 1_000 : null };
  } catch (error) {
    ctx.log.debug({ err: error, node }, 'node was not asked for the plan of settings');
    return { node, documents: null, rate: null };
  }
}
