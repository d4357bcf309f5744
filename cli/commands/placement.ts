import type { Command } from 'commander';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { CommandError, exitCodes } from '../exit-codes';
import { count, positive, whole } from '../run-operation';
import { createScreen } from '../ui';
import type { Screen } from '../ui';

interface Explanation {
  readonly epoch: number;
  readonly index: string;
  readonly shardCount: number;
  readonly replicationFactor: number;
  readonly document: {
    readonly id: string;
    readonly slot: number;
    readonly bucket: number;
    readonly shard: number;
  } | null;
  readonly groups: readonly {
    readonly group: number;
    readonly nodes: readonly {
      readonly node: string;
      readonly zone: string | null;
      readonly weight: number;
      readonly intent: string;
      readonly share: number | null;
      readonly holds: number;
      readonly wanted: number;
    }[];
    readonly notKept: readonly string[];
  }[];
  readonly shards: readonly {
    readonly group: number;
    readonly shard: number;
    readonly replicas: readonly { readonly node: string; readonly state: string }[];
    readonly homes: readonly { readonly node: string; readonly score: number }[];
    readonly wanted: readonly string[];
    readonly why: readonly string[];
    readonly readable: readonly {
      readonly node: string;
      readonly read: boolean;
      readonly why: string | null;
    }[];
  }[];
  readonly read: {
    readonly asks: readonly {
      readonly node: string;
      readonly shards: readonly number[];
      readonly filtered: boolean;
    }[];
    readonly missing: readonly number[];
  };
}

interface Preview {
  readonly epoch: number;
  readonly index: string;
  readonly change: string;
  readonly made: number;
  readonly dropped: number;
  readonly copies: number;
  readonly pairs: readonly {
    readonly kind: string;
    readonly source: string;
    readonly target: string;
    readonly shards: readonly number[];
  }[];
  readonly removals: readonly { readonly node: string; readonly shard: number }[];
  readonly nodes: readonly {
    readonly node: string;
    readonly before: number;
    readonly after: number;
  }[];
  readonly notKept: readonly string[];
}

interface ExplainFlags extends ConnectFlags {
  readonly document?: string;
  readonly shard?: number;
}

interface PreviewFlags extends ConnectFlags {
  readonly weight?: string;
  readonly zone?: string;
  readonly add?: string;
  readonly group: number;
  readonly drain?: string;
  readonly copies?: number;
  readonly shards?: number;
  readonly rebalance?: true;
}

/** `miroir placement`: why copies are where they are, and what a change would move. */
export function registerPlacement(program: Command): void {
  const placement = program
    .command('placement')
    .description('Why copies are where they are, and what a change would move.');

  withConnection(
    placement
      .command('explain <index>')
      .description('Why the copies of an index, of a shard, or of a document are where they are.'),
  )
    .option('--document <id>', 'the shard that a document with this id is in')
    .option('--shard <n>', 'this shard', whole)
    .action(explain);

  withConnection(
    placement
      .command('preview <index>')
      .description('What a change would move, by the table alone; asks no node.'),
  )
    .option('--weight <node=n>', 'another weight of a node')
    .option('--zone <node=zone>', 'another zone of a node; empty for none')
    .option('--add <id>', 'one node more, of weight 1')
    .option('--group <n>', 'the group of the added node', whole, 0)
    .option('--drain <id>', 'a node that keeps nothing')
    .option('--copies <n>', 'another number of copies', count)
    .option('--shards <n>', 'another number of shards', count)
    .option('--rebalance', 'no change but an even spread')
    .action(preview);
}

const pathOf = (index: string): string => `/_miroir/indexes/${encodeURIComponent(index)}/placement`;

async function explain(index: string, flags: ExplainFlags): Promise<void> {
  const { document, shard } = flags;
  const query = new URLSearchParams({
    ...(document === undefined ? {} : { document }),
    ...(shard === undefined ? {} : { shard: String(shard) }),
  });
  const found = await connect(flags).get<Explanation>(`${pathOf(index)}?${query.toString()}`);
  if (flags.json) return console.log(JSON.stringify(found));
  const screen = createScreen(process.stdout);
  const { epoch, shardCount, replicationFactor } = found;
  screen.line(
    `${found.index} at epoch ${epoch}: ${shardCount} shards, ${replicationFactor} copies in each group`,
  );
  if (found.document !== null) {
    const { id, slot, bucket } = found.document;
    screen.line(`document ${id}: slot ${slot}, bucket ${bucket}, shard ${found.document.shard}`);
  }
  printGroups(screen, found);
  // A whole index is a table; the reasons of one shard are sentences.
  if (document === undefined && shard === undefined) printTable(screen, found);
  else printShards(screen, found);
  const asks = found.read.asks.map(({ node, shards, filtered }) =>
    [node, `shards ${shards.join(',')}`, filtered ? 'filtered' : 'everything it holds'].join(', '),
  );
  screen.line(`read now: ${asks.length === 0 ? 'nobody' : asks.join('; ')}`);
  if (found.read.missing.length > 0) {
    screen.line(`no copy can be read of shards ${found.read.missing.join(',')}`);
  }
}

function printGroups(screen: Screen, { groups }: Explanation): void {
  for (const { group, nodes, notKept } of groups) {
    screen.heading(`group ${group}`);
    screen.table(
      ['node', 'zone', 'weight', 'intent', 'share', 'holds', 'wanted'],
      nodes.map((one) => [
        ...[one.node, one.zone ?? '', one.weight, one.intent],
        ...[one.share === null ? 'none' : one.share.toFixed(1), one.holds, one.wanted],
      ]),
    );
    for (const sentence of notKept) screen.line(`  ${sentence}`);
  }
}

function printTable(screen: Screen, { shards }: Explanation): void {
  screen.heading('shards');
  screen.table(
    ['group', 'shard', 'copies', 'first homes', 'would be'],
    shards.map(({ group, shard, replicas, homes, wanted }) => {
      const here = replicas.map(({ node }) => node);
      const same = here.length === wanted.length && wanted.every((node) => here.includes(node));
      return [
        ...[group, shard, replicas.map(copyText).join(' ')],
        homes
          .slice(0, Math.max(1, wanted.length))
          .map(({ node }) => node)
          .join(' '),
        same ? '' : wanted.join(' '),
      ];
    }),
  );
}

const copyText = ({ node, state }: { node: string; state: string }): string =>
  state === 'in-sync' ? node : `${node}(${state})`;

function printShards(screen: Screen, { shards }: Explanation): void {
  for (const { group, shard, homes, why, readable } of shards) {
    screen.heading(`shard ${shard} in group ${group}`);
    screen.table(
      ['at home', 'score'],
      homes.map(({ node, score }) => [node, score.toFixed(3)]),
    );
    for (const sentence of why) screen.line(`  ${sentence}`);
    for (const one of readable) {
      if (one.why !== null) screen.line(`  ${one.node} is not read: ${one.why}`);
    }
  }
}

async function preview(index: string, flags: PreviewFlags): Promise<void> {
  const found = await connect(flags).post<Preview>(`${pathOf(index)}/preview`, changeOf(flags));
  if (flags.json) return console.log(JSON.stringify(found));
  const screen = createScreen(process.stdout);
  const { made, dropped, copies } = found;
  screen.line(`${made} of ${copies} copies would be made, ${dropped} dropped without a successor`);
  screen.table(
    ['', 'from', 'to', 'shards'],
    found.pairs.map(({ kind, source, target, shards }) => [
      ...[kind, source, target, shards.join(',')],
    ]),
  );
  screen.table(
    ['node', 'copies', 'then'],
    found.nodes.map(({ node, before, after }) => [node, before, after]),
  );
  for (const sentence of found.notKept) screen.line(`  ${sentence}`);
}

/** The api says which of them are missing or too many. */
function changeOf(flags: PreviewFlags): object {
  const { weight, zone, add, group, drain, copies, shards, rebalance } = flags;
  if (weight !== undefined && zone !== undefined) {
    const [[node, number], [other, name]] = [pairOf('--weight', weight), pairOf('--zone', zone)];
    if (node !== other) throw usage('--weight and --zone must name the same node.');
    return { setNode: { node, weight: positive(number), zone: name === '' ? null : name } };
  }
  return {
    ...(weight === undefined ? {} : { setNode: setWeight(weight) }),
    ...(zone === undefined ? {} : { setNode: setZone(zone) }),
    ...(add === undefined ? {} : { addNode: { id: add, group } }),
    ...(drain === undefined ? {} : { drainNode: drain }),
    ...(copies === undefined ? {} : { replicationFactor: copies }),
    ...(shards === undefined ? {} : { shards }),
    ...(rebalance === undefined ? {} : { rebalance }),
  };
}

function setWeight(text: string): object {
  const [node, weight] = pairOf('--weight', text);
  return { node, weight: positive(weight) };
}

function setZone(text: string): object {
  const [node, zone] = pairOf('--zone', text);
  return { node, zone: zone === '' ? null : zone };
}

function pairOf(flag: string, text: string): [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw usage(`${flag} is written as node=value.`);
}

const usage = (text: string): CommandError => new CommandError(text, exitCodes.usage);
