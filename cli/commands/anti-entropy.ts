import type { Command } from 'commander';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { shownRun, watchOperation } from '../operations';
import { createScreen } from '../ui';
import { count } from './ops';

interface RunFlags extends ConnectFlags {
  readonly index?: string;
  readonly reportOnly?: true;
  readonly wait?: true;
  readonly why?: string;
  readonly documentsPerSecond?: number;
}

interface Summary {
  readonly id: string;
  readonly outcome: string;
  readonly startedAt: string;
  readonly indexes: number;
  readonly shards: number;
  readonly documents: number;
  readonly differences: number;
  readonly undecided: number;
  readonly repaired: readonly string[];
}

interface Report extends Omit<Summary, 'differences' | 'undecided'> {
  readonly again: number;
  readonly more: number;
  readonly notRepaired: readonly string[];
  readonly differences: readonly {
    readonly index: string;
    readonly shard: number;
    readonly from: number;
    readonly to: number;
    readonly documents: number;
    readonly copies: readonly { readonly node: string; readonly documents: number }[];
    readonly verdict:
      | { readonly kind: 'stale'; readonly nodes: readonly string[] }
      | { readonly kind: 'undecided'; readonly why: string };
  }[];
  readonly passedOver: readonly { readonly node: string; readonly why: string }[];
}

/** `miroir anti-entropy`: compare all copies with each other, and read what was found. */
export function registerAntiEntropy(program: Command): void {
  const command = program
    .command('anti-entropy')
    .description('Compare all copies with each other; repair those that are behind.');

  withConnection(command.command('run').description('Run it now, beside its schedule.'))
    .option('--index <uid>', 'only this index')
    .option('--report-only', 'change nothing, also where a copy is behind')
    .option('--wait', 'follow it to its end and print the report')
    .option('--why <reason>', 'stands in the report', '')
    .option('--documents-per-second <n>', 'documents read from each copy', count)
    .action(run);

  withConnection(
    command.command('report [id]').description('The newest report, or the one of this id.'),
  ).action(async (id: string | undefined, flags: ConnectFlags) => {
    const api = connect(flags);
    const newest = async (): Promise<string | undefined> =>
      (await api.get<{ results: Summary[] }>('/_miroir/anti-entropy/reports')).results[0]?.id;
    const wanted = id ?? (await newest());
    if (wanted === undefined) return console.log('Nothing was compared yet.');
    await show(flags, wanted);
  });

  withConnection(command.command('list').description('All reports, newest first.')).action(
    async (flags: ConnectFlags) => {
      const { results } = await connect(flags).get<{ results: Summary[] }>(
        '/_miroir/anti-entropy/reports',
      );
      if (flags.json) return console.log(JSON.stringify(results));
      createScreen(process.stdout).table(
        ['started', 'outcome', 'shards', 'documents', 'differences', 'undecided', 'id'],
        results.map((one) => [
          ...[one.startedAt, one.outcome, one.shards, one.documents],
          ...[one.differences, one.undecided, one.id],
        ]),
      );
    },
  );
}

async function run(flags: RunFlags): Promise<void> {
  const api = connect(flags);
  const after = await shownRun(api, 'anti-entropy');
  const started = await api.post<{ operation: string; report: string }>('/_miroir/anti-entropy', {
    ...{ who: process.env['USER'] ?? 'operator', why: flags.why ?? '' },
    ...(flags.index === undefined ? {} : { index: flags.index }),
    ...(flags.reportOnly ? { repair: false } : {}),
    ...(flags.documentsPerSecond === undefined
      ? {}
      : { documentsPerSecond: flags.documentsPerSecond }),
  });
  if (!flags.wait) {
    const hint = `Running: miroir anti-entropy report ${started.report}`;
    return console.log(flags.json ? JSON.stringify(started) : hint);
  }
  await watchOperation(api, started.operation, createScreen(process.stdout), { after });
  await show(flags, started.report);
}

async function show(flags: ConnectFlags, id: string): Promise<void> {
  const path = `/_miroir/anti-entropy/reports/${encodeURIComponent(id)}`;
  const report = await connect(flags).get<Report>(path);
  if (flags.json) return console.log(JSON.stringify(report));
  const screen = createScreen(process.stdout);
  console.log(
    `${report.outcome}: ${report.documents} documents in ${report.shards} shards of ${report.indexes} indexes, ${report.differences.length} differences`,
  );
  if (report.differences.length > 0) {
    screen.table(
      ['index', 'shard', 'slots', 'documents', 'copies', 'verdict'],
      report.differences.map((one) => [
        ...[one.index, one.shard, `${one.from}-${one.to}`, one.documents],
        one.copies.map(({ node, documents }) => `${node}:${documents}`).join(' '),
        one.verdict.kind === 'stale'
          ? `behind: ${one.verdict.nodes.join(' ')}`
          : `undecided: ${one.verdict.why}`,
      ]),
    );
  }
  const left = new Map<string, number>();
  for (const { node, why } of report.passedOver) {
    left.set(`${node} ${why}`, (left.get(`${node} ${why}`) ?? 0) + 1);
  }
  for (const [what, copies] of left) console.log(`not compared: ${what}, ${copies} copies`);
  for (const reason of report.notRepaired) console.log(`not repaired: ${reason}`);
  if (report.repaired.length > 0) console.log(`repaired: ${report.repaired.join(' ')}`);
  if (report.more > 0) console.log(`and ${report.more} more that do not fit into a report`);
}
