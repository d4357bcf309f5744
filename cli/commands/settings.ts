import type { Command } from 'commander';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { readRecord } from '../read-record';
import { finishRun } from '../run-now';
import type { Started } from '../run-now';
import { createScreen } from '../ui';

interface Versions {
  readonly index: string;
  readonly settingsVersion: number;
  readonly nodes: readonly {
    readonly node: string;
    readonly settingsVersion: number;
    readonly appliedAt: string | null;
    readonly drifted: readonly string[] | null;
  }[];
}

interface Plan {
  readonly changes: readonly { setting: string; cost: string; why: string }[];
  readonly nodes: readonly { node: string; documents: number | null; minutes: number | null }[];
  readonly documents: number;
  readonly minutes: number;
  readonly documentsPerSecond: number;
  readonly measured: boolean;
}

const path = (index: string): string => `/_miroir/indexes/${encodeURIComponent(index)}/settings`;

/** `miroir settings`: what a change would cost, which node has what, and a check for drift. */
export function registerSettings(program: Command): void {
  const settings = program
    .command('settings')
    .description('Settings on the nodes: versions, cost of a change, drift.');

  withConnection(
    settings.command('show <index>').description('Which settings version each node has.'),
  ).action(async (index: string, flags: ConnectFlags) => {
    const versions = await connect(flags).get<Versions>(path(index));
    if (flags.json) return console.log(JSON.stringify(versions));
    const screen = createScreen(process.stdout);
    screen.line(`${versions.index}: settings version ${versions.settingsVersion}`);
    screen.table(
      ['node', 'version', 'seen at', 'drifted'],
      versions.nodes.map(({ node, settingsVersion, appliedAt, drifted }) => [
        node,
        settingsVersion,
        appliedAt ?? '',
        drifted?.join(', ') ?? '',
      ]),
    );
  });

  withConnection(
    settings
      .command('plan <index> <file>')
      .description('What a change (JSON, as PATCH takes it) would cost; changes nothing.'),
  ).action(async (index: string, file: string, flags: ConnectFlags) => {
    const plan = await connect(flags).post<Plan>(`${path(index)}/plan`, readRecord(file));
    if (flags.json) return console.log(JSON.stringify(plan));
    const screen = createScreen(process.stdout);
    screen.table(
      ['setting', 'cost', ''],
      plan.changes.map(({ setting, cost, why }) => [setting, cost, why]),
    );
    if (plan.nodes.length === 0) return screen.line('It costs the nodes nothing.');
    screen.table(
      ['node', 'documents', 'minutes'],
      plan.nodes.map(({ node, documents, minutes }) => [
        node,
        documents ?? 'no answer',
        minutes?.toFixed(1) ?? '',
      ]),
    );
    const rate = plan.measured ? 'as its last change took' : 'by default';
    screen.line(
      `${plan.documents} documents on ${plan.nodes.length} nodes side by side, about ${plan.minutes.toFixed(1)} minutes (${plan.documentsPerSecond} a second, ${rate}).`,
    );
  });

  withConnection(
    settings.command('check [index]').description('Compare all nodes with the catalogue now.'),
  )
    .option('--no-repair', 'only say what differs')
    .option('--wait', 'follow it to its end')
    .action(
      async (index: string | undefined, flags: ConnectFlags & { repair: boolean; wait?: true }) => {
        const api = connect(flags);
        const body = { repair: flags.repair, ...(index === undefined ? {} : { index }) };
        const started = await api.post<Started>('/_miroir/settings/check', body);
        await finishRun(api, started, flags);
      },
    );
}
