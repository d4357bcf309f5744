import type { ApiClient } from './client';
import { CommandError, exitCodes } from './exit-codes';
import type { Screen } from './ui';

interface Replica {
  readonly node: string;
  readonly state: string;
}

interface Topology {
  readonly epoch: number;
  readonly nodes: readonly Readonly<Record<string, unknown>>[];
  readonly indexes: readonly {
    readonly uid: string;
    readonly physicalUid: string;
    readonly shardCount: number;
  }[];
}

interface Shards {
  readonly results: readonly {
    readonly index: string;
    readonly group: number;
    readonly shard: number;
    readonly replicas: readonly Replica[];
  }[];
}

interface Stats {
  readonly indexes: Readonly<
    Record<string, { readonly numberOfDocuments: number; readonly avgDocumentSize: number }>
  >;
}

const kept = ['id', 'url', 'group', 'zone', 'weight', 'intent', 'instanceId'];

/** The fleet as it is now, by three requests that only read. */
export async function runningFleet(api: ApiClient): Promise<object> {
  const topology = await api.get<Topology>('/_miroir/topology');
  const { results } = await api.get<Shards>('/_miroir/shards');
  const stats = await api.get<Stats>('/stats');
  const indexes = topology.indexes.map((index) => {
    const rows = results.filter((row) => row.index === index.uid);
    const groups = [...new Set(rows.map(({ group }) => group))].sort((a, b) => a - b);
    const placement = groups.map((group) => ({
      group,
      shards: Array.from(
        { length: index.shardCount },
        (_, at) => rows.find((row) => row.group === group && row.shard === at)?.replicas ?? [],
      ),
    }));
    return { ...index, settings: {}, placement };
  });
  const sizes = Object.fromEntries(
    topology.indexes.map(({ uid, physicalUid }) => {
      const of = stats.indexes[uid];
      const documents = of?.numberOfDocuments ?? 0;
      return [physicalUid, { documents, bytesEach: of?.avgDocumentSize ?? 0 }];
    }),
  );
  const nodes = topology.nodes.map((node) =>
    Object.fromEntries(kept.map((name) => [name, node[name] ?? null])),
  );
  return { fleet: { epoch: topology.epoch, nodes, indexes, aliases: [] }, sizes };
}

export interface SimulationReport {
  readonly outcome: string;
  readonly error: string | null;
  readonly operation: string;
  readonly seconds: number;
  readonly documentsCopied: number;
  readonly documentsPlanned: number;
  readonly bytesCopied: number;
  readonly pairs: readonly {
    readonly index: string;
    readonly kind: string;
    readonly source: string;
    readonly target: string;
    readonly shards: number;
    readonly documents: number;
    readonly outcome: string;
    readonly fromSeconds: number;
    readonly toSeconds: number;
    readonly fencedMs: number | null;
  }[];
  readonly nodes: readonly {
    readonly node: string;
    readonly documentsBefore: number;
    readonly documentsPeak: number;
    readonly documentsAfter: number;
    readonly bytesPeak: number;
  }[];
  readonly timeline: readonly {
    readonly seconds: number;
    readonly operation: string;
    readonly what: string;
  }[];
  readonly notKept: readonly string[];
}

/** `1:02:03`; hours only where there are some. */
export function clockText(seconds: number): string {
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3_600), Math.floor((whole % 3_600) / 60), whole % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, at) => String(part).padStart(at === 0 ? 1 : 2, '0')).join(':');
}

export function printSimulation(screen: Screen, report: SimulationReport, timeline: boolean): void {
  const { operation, outcome, seconds, documentsCopied, documentsPlanned, bytesCopied } = report;
  screen.line(`${operation} would end after ${clockText(seconds)}: ${outcome}`);
  if (report.error !== null) screen.line(`  ${report.error}`);
  screen.line(
    `${documentsCopied} documents copied (${documentsPlanned} planned, the rest written meanwhile), ${Math.round(bytesCopied / 1e6)} MB`,
  );
  screen.table(
    ['', 'index', 'from', 'to', 'shards', 'documents', 'begins', 'ends', 'writes held', 'outcome'],
    report.pairs.map((pair) => [
      ...[pair.kind, pair.index, pair.source, pair.target, pair.shards, pair.documents],
      ...[clockText(pair.fromSeconds), clockText(pair.toSeconds)],
      ...[pair.fencedMs === null ? '' : `${pair.fencedMs} ms`, pair.outcome],
    ]),
  );
  screen.table(
    ['node', 'documents', 'peak', 'then', 'peak MB'],
    report.nodes.map((node) => [
      ...[node.node, node.documentsBefore, node.documentsPeak, node.documentsAfter],
      Math.round(node.bytesPeak / 1e6),
    ]),
  );
  for (const sentence of report.notKept) screen.line(`  ${sentence}`);
  if (!timeline) return;
  screen.heading('timeline');
  screen.table(
    ['at', 'run', 'phase'],
    report.timeline.map((one) => [clockText(one.seconds), one.operation, one.what]),
  );
}

/** `meili-3=60-300`: away from second 60 to 300. */
export function absence(text: string): { node: string; fromSeconds: number; toSeconds: number } {
  const match = /^([\w-]+)=(\d+)-(\d+)$/.exec(text);
  if (match === null) {
    throw new CommandError('--away is written as node=from-to, in seconds.', exitCodes.usage);
  }
  return { node: match[1] ?? '', fromSeconds: Number(match[2]), toSeconds: Number(match[3]) };
}
