import type { BackupInput, DrillInput, DumpInput, ImportInput } from '../../core/archives/types';
import type { ExportInput } from '../../core/export/types';
import type { ExpireInput, SettingsCheckInput } from '../../core/index-life';
import type { MigrationInput } from '../../core/migration';
import type {
  AddNodeInput,
  CanaryInput,
  ChangeInput,
  DrainNodeInput,
  Origin,
  RebalanceInput,
  RemoveNodeInput,
  RepairInput,
  RolloverInput,
  SettingsInput,
  SyncInput,
} from '../../core/operations';
import type { PlacementChange } from '../../core/placement-change';
import type { UpgradeInput } from '../../core/upgrade';
import type { AntiEntropyInput, RebuildInput } from '../../core/upkeep';
import type { WorkflowType } from '../messages';
import { counted, indexOr, line } from './line';

const shardsOf = ({ shards }: { readonly shards: readonly number[] }): string =>
  counted(shards.length, 'shard');

function changeText(change: PlacementChange): string {
  switch (change.kind) {
    case 'rebalance':
      return `spread the shards of ${change.group === null ? 'all groups' : `group ${String(change.group)}`} evenly`;
    case 'repair':
      return `fill the stale copies of ${indexOr(change.physicalUid)} on ${change.node ?? 'every node'}`;
    case 'add-node':
      return `take ${change.node.id} into group ${String(change.node.group)}`;
    case 'drain-node':
      return `move everything off ${change.node}`;
    case 'remove-node':
      return change.lost
        ? `forget ${change.node}, which is lost`
        : `drain and remove ${change.node}`;
    case 'set-node':
      return `${change.node}: weight ${String(change.weight)}, zone ${change.zone ?? 'none'}`;
    case 'replace-node':
      return `${change.node.id} takes over every copy of ${change.old}`;
    case 'add-group':
      return `group ${String(change.group)} of ${counted(change.nodes.length, 'node')}: a copy of everything`;
    case 'remove-group':
      return `drop group ${String(change.group)} and its copies`;
    case 'set-replication': {
      const [first] = change.factors;
      const of = change.factors.length === 1 ? (first?.index ?? '') : 'all indexes';
      return `${String(first?.replicationFactor ?? 0)} copies of ${of} in each group`;
    }
    case 'reshard':
      return `${change.index}: ${counted(change.shardCount, 'shard')}`;
  }
}

const ofChange = ({ change }: ChangeInput): string => changeText(change);
const repairText = ({ node, physicalUid }: RepairInput): string =>
  changeText({ kind: 'repair', node, physicalUid, shard: null });

const summaries: Readonly<Record<WorkflowType, (input: never) => string>> = {
  syncShards: (input: SyncInput) =>
    `${input.kind} ${shardsOf(input)} of ${input.index}: ${input.source} → ${input.target}`,
  rebalance: ({ group }: RebalanceInput) => changeText({ kind: 'rebalance', group }),
  addNode: ({ node }: AddNodeInput) => changeText({ kind: 'add-node', node }),
  drainNode: ({ node }: DrainNodeInput) => changeText({ kind: 'drain-node', node, lost: false }),
  removeNode: ({ node, lost }: RemoveNodeInput) => changeText({ kind: 'remove-node', node, lost }),
  repairReplica: repairText,
  setNode: ofChange,
  replaceNode: ofChange,
  addGroup: ofChange,
  removeGroup: ofChange,
  setReplication: ofChange,
  reshardIndex: ofChange,
  planOperation: ({ change }: ChangeInput) => `dry run: ${changeText(change)}`,
  rebuildNode: ({ node }: RebuildInput) => `empty ${node} and fill it again`,
  scheduledRepair: () => 'look for copies that need a repair, and repair them',
  antiEntropy: ({ physicalUid }: AntiEntropyInput) =>
    `compare all copies of ${indexOr(physicalUid)} with each other`,
  scheduledAntiEntropy: ({ physicalUid }: AntiEntropyInput) =>
    `on its schedule: compare all copies of ${indexOr(physicalUid)}`,
  settingsBroadcast: ({ physicalUid }: SettingsInput) =>
    `bring the settings of ${physicalUid} to every node`,
  settingsCheck: ({ physicalUid }: SettingsCheckInput) =>
    `compare the settings of ${indexOr(physicalUid)} with the catalogue`,
  scheduledSettingsCheck: () => 'on its schedule: compare the settings of all indexes',
  rolloverAlias: ({ policy, dryRun }: RolloverInput) =>
    `${dryRun ? 'dry run: ' : ''}the next index of ${policy}, if it is due`,
  scheduledRollover: ({ policy }: RolloverInput) => `on its schedule: rollover of ${policy}`,
  runCanary: ({ canary }: CanaryInput) => `ask the canary ${canary}`,
  scheduledCanary: ({ canary }: CanaryInput) => `on its schedule: the canary ${canary}`,
  expireDocuments: ({ physicalUid }: ExpireInput) =>
    `delete the expired documents of ${indexOr(physicalUid)}`,
  scheduledExpiry: () => 'on its schedule: delete expired documents',
  upgradeNodes: ({ nodes, version }: UpgradeInput) =>
    `restart ${nodes.join(', ')} one by one${version === null ? '' : ` with ${version}`}`,
  importArchive: ({ id, dryRun }: ImportInput) => `${dryRun ? 'dry run: ' : ''}import ${id}`,
  createDump: ({ taskUid }: DumpInput) =>
    `make a dump${taskUid === null ? '' : ` for task ${String(taskUid)}`}`,
  exportIndexes: ({ taskUid }: ExportInput) =>
    `send indexes to another Meilisearch, for task ${String(taskUid)}`,
  createBackup: ({ keep }: BackupInput) =>
    `back the fleet up${keep === null ? '' : `, keep ${counted(keep, 'backup')}`}`,
  scheduledBackup: () => 'on its schedule: back the fleet up',
  restoreDrill: ({ backup }: DrillInput) => `restore ${backup ?? 'the newest backup'} for proof`,
  scheduledDrill: () => 'on its schedule: restore the newest backup for proof',
  migrateInstance: ({ indexes }: MigrationInput) =>
    `bring ${indexes === null ? 'all indexes' : counted(indexes.length, 'index')} of a running Meilisearch in`,
};

export interface RunMetadata {
  readonly staticSummary?: string;
  readonly staticDetails?: string;
}

/**
 * What a run is for, and who asked for it: for Temporal's page, which shows it beside the id. Empty where
 * nothing can be said of the arguments.
 */
export function metadataOfRun(type: string, args: readonly unknown[]): RunMetadata {
  const [input] = args as readonly (Partial<Origin> | undefined)[];
  const say = (summaries as Readonly<Record<string, (input: unknown) => string>>)[type];
  if (say === undefined || input === undefined) return {};
  try {
    const { who, why } = input;
    const asked = who === undefined || who === '' ? [] : [`Asked for by **${line(who)}**.`];
    const reason = why === undefined || why === '' ? [] : [`Why: ${line(why)}`];
    const details = [...asked, ...reason].join('\n\n');
    const staticSummary = line(say(input));
    return { staticSummary, ...(details === '' ? {} : { staticDetails: details }) };
  } catch {
    return {};
  }
}
