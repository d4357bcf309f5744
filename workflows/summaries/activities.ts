import type { Activities } from '../../activities/types';
import type { SyncRef } from '../../core/operations';
import { counted, indexOr, line } from './line';

type Summaries = {
  readonly [K in keyof Activities]: (...args: Parameters<Activities[K]>) => string;
};

const pair = ({ index, shards, source, feeds, target }: SyncRef): string => {
  const from = feeds === undefined ? source : feeds.map(({ node }) => node).join(' and ');
  return `${index}, ${counted(shards.length, 'shard')}, ${from} → ${target}`;
};
const groupsText = (groups: readonly number[]): string =>
  groups.length === 1 ? `group ${String(groups[0])}` : `groups ${groups.join(', ')}`;
const orAny = (name: string | null, unit: string): string => name ?? `every ${unit}`;

/**
 * What each activity is for, in one line that stands beside its name in Temporal's page. Names and counts
 * only: no address, no text that an operator typed, no part of a document.
 */
const ofMoves = {
  staleCopies: (ref) => `${pair(ref)}: which of its copies are stale now?`,
  openTarget: (ref) => `${pair(ref)}: make the index on ${ref.target}, mark the copies syncing`,
  passBarrier: ({ epoch }) => `wait until every pod knows epoch ${String(epoch)}`,
  copyRanges: ({ ref, cursor }) =>
    `${pair(ref)}: copy${cursor === null ? '' : `, from shard ${String(cursor.shardAt + 1)} of ${String(ref.shards.length)}`}`,
  catchUpRound: (ref) => `${pair(ref)}: bring what was written meanwhile`,
  joinUnderFence: (ref) => `${pair(ref)}: hold writes a moment, then they reach ${ref.target} too`,
  verifyCopy: (ref) => `${pair(ref)}: compare both sides range by range`,
  awaitSources: ({ ref }) => `${pair(ref)}: wait for the nodes, or read other in-sync copies`,
  canariesAreGreen: ({ index }) => `ask the canaries of ${index}`,
  cutOver: (ref) => `${pair(ref)}: read ${ref.target} from now on (point of no return)`,
  reverseCutOver: (ref) => `${pair(ref)}: read ${ref.source} again`,
  startLeaving: ({ shards, node }) =>
    `${counted(shards.length, 'copy')} on ${node}: no more writes`,
  removeLeaving: ({ shards, node }) =>
    `${counted(shards.length, 'shard')} on ${node}: delete the documents, verify, forget the copies`,
  restoreStale: ({ shards, node }) =>
    `${counted(shards.length, 'shard')} on ${node}: stale again, as before`,
  planRebalance: ({ group }) =>
    `plan an even spread over ${group === null ? 'all groups' : `group ${String(group)}`}`,
  planRepair: ({ node, physicalUid }) =>
    `plan repairs of ${indexOr(physicalUid)} on ${orAny(node, 'node')}`,
  checkPlan: ({ plan }) => `is the plan of epoch ${String(plan.epoch)} still what is needed?`,
  claimGroups: ({ groups }) => `have ${groupsText(groups)} for itself`,
  releaseGroups: () => 'let other operations have the groups',
  checkChange: ({ change }) => `can ${change.kind} be done?`,
  planChange: ({ change }) => `plan ${change.kind}: copies, documents, minutes, room`,
  recheckChange: ({ plan }) => `is the plan of epoch ${String(plan.epoch)} still what is needed?`,
  applyChange: ({ change }) => `${change.kind}: change the catalogue, before any copy`,
  finishChange: ({ change }) => `${change.kind}: change the catalogue, after the copies`,
  undoChange: ({ change }) => `${change.kind}: bring the catalogue back`,
  reshardCatalogue: ({ change }) =>
    `${change.index}: ${counted(change.shardCount, 'shard')} from now on; no document moves`,
} as const satisfies Partial<Summaries>;

const ofNodes = {
  checkNewNode: ({ node }) => `may ${node.id} come into group ${String(node.group)}?`,
  adoptNode: ({ node }) => `take ${node.id} into group ${String(node.group)}`,
  setNodeIntent: ({ node, intent }) => `${node} is ${intent} from now on`,
  mayLeave: ({ node }) => `are all copies of ${node} elsewhere, or can they be?`,
  forgetCopies: ({ node }) => `forget the copies of ${node}, which is lost`,
  removeNode: ({ node }) => `take ${node} out of the fleet`,
  planUpgrade: ({ nodes }) => `plan restarts of ${counted(nodes.length, 'node')}`,
  restNode: ({ node, resting }) => (resting ? `read others than ${node}` : `read ${node} again`),
  restartNode: ({ node }) => `run the restart command for ${node}`,
  awaitVersion: ({ node, version }) => `wait until ${node} runs ${version}`,
  inspectNode: ({ node }) => `is ${node} back, itself, with its documents?`,
  countStale: ({ node }) => `count what ${node} missed`,
  checkRebuild: ({ node }) => `may what is on the disk of ${node} be deleted?`,
  disownCopies: ({ node }) => `the copies of ${node} are stale from now on`,
  emptyNode: ({ node }) => `delete what is on ${node}`,
  renameNode: ({ node }) => `give ${node} a new instance id`,
  findRepairs: () => 'look for copies that need a repair',
} as const satisfies Partial<Summaries>;

const ofUpkeep = {
  beginAntiEntropy: ({ physicalUid }) => `begin the comparison of ${indexOr(physicalUid)}`,
  compareIndex: ({ physicalUid }) => `compare all copies of ${physicalUid}`,
  settleDifferences: ({ repair }) =>
    repair ? 'mark the copies that are behind' : 'note what differs',
  finishAntiEntropy: () => 'write the report',
  broadcastSettings: ({ physicalUid }) => `bring the settings of ${physicalUid} to every node`,
  checkSettings: ({ physicalUid }) => `compare the settings of ${indexOr(physicalUid)}`,
  expiringIndexes: () => 'which indexes have documents that expire?',
  sweepIndex: ({ physicalUid }) => `delete the expired documents of ${physicalUid}`,
  decideRollover: ({ policy }) => `is ${policy} due?`,
  createNextIndex: ({ decision }) => `make ${decision.to ?? 'the next index'}`,
  waitIndexReady: ({ decision }) => `wait until every node has ${decision.to ?? 'it'}`,
  flipAliases: ({ decision }) =>
    `${decision.policy}: write to ${decision.to ?? 'it'} from now on (point of no return)`,
  dropNextIndex: ({ decision }) => `delete ${decision.to ?? 'the index'} again`,
  retainIndexes: ({ decision }) =>
    `${decision.policy}: delete ${counted(decision.doomed.length, 'old index')}`,
  runCanary: ({ canary }) => `ask the canary ${canary}`,
  writeView: ({ status, phase }) => `show it: ${status}, ${phase}`,
} as const satisfies Partial<Summaries>;

const ofArchives = {
  inspectArchive: ({ id }) => `read the archive of import ${id} once, and plan`,
  createImported: ({ plan }) => `make ${counted(plan.indexes.length, 'imported index')}`,
  importDocuments: ({ cursor }) =>
    cursor === null
      ? 'import the documents'
      : `import the documents, from line ${String(cursor.line)} of index ${String(cursor.indexAt + 1)}`,
  finishImport: () => 'bring keys and features, end the import',
  dropImported: () => 'delete the indexes that the import made',
  startArchive: () => 'name the task up to which it is consistent',
  awaitTasks: ({ upTo }) => `wait for every task up to ${String(upTo)}`,
  writeIndexParts: ({ index }) => `write the documents of ${index.uid}`,
  dropParts: ({ base }) => `delete the parts of ${base}`,
  assembleDump: ({ file, indexes }) => `make ${file} of ${counted(indexes.length, 'index')}`,
  planExport: () => 'which indexes are sent, and are the filters right?',
  inspectRemote: ({ target }) => `does the other side have ${target.uid}?`,
  exportIndex: ({ target }) => `send ${target.uid} with its documents`,
  noteExported: ({ sent }) => `note that ${counted(sent.length, 'index')} was sent`,
  beginTask: ({ taskUid }) => `task ${String(taskUid)} is processing`,
  endTask: ({ taskUid, status }) => `task ${String(taskUid)} is ${status}`,
  writeManifest: ({ ref }) => `write the manifest of ${ref.base} (it is a backup from now on)`,
  retainBackups: ({ keep }) => `keep the newest ${counted(keep, 'backup')}`,
  newestBackup: () => 'find the newest backup',
  checkBackup: ({ id }) => `is backup ${id} whole?`,
  compareRestored: ({ backup }) => `compare what was restored with backup ${backup}`,
  dropScratch: () => 'delete what was restored for proof',
  recordDrill: ({ report }) => `write down that the drill ${report.ok ? 'succeeded' : 'failed'}`,
  planMigration: ({ indexes }) =>
    `look at the old instance: ${indexes === null ? 'all indexes' : counted(indexes.length, 'index')}`,
  markSource: () => 'note how far the old instance has got',
  prepareStaging: ({ indexes }) => `make ${counted(indexes.length, 'staging index')}`,
  levelIndex: ({ index, write }) =>
    `${index.uid}: ${write ? 'make the staging index equal' : 'compare with the old instance'}`,
  newIndexes: () => 'did the old instance get new indexes?',
  copyKeys: () => 'bring the API keys along',
  publishIndexes: ({ indexes }) =>
    `${counted(indexes.length, 'index')} visible from now on (point of no return)`,
  undoMigration: () => 'delete what the migration made',
  forgetSecret: () => 'forget the key of the old instance',
} as const satisfies Partial<Summaries>;

const all: Summaries = { ...ofMoves, ...ofNodes, ...ofUpkeep, ...ofArchives };

export const summarisedActivities: readonly string[] = Object.keys(all);

/** Undefined where nothing can be said, as of arguments of another version: it must stop no run. */
export function summaryOfActivity(type: string, args: readonly unknown[]): string | undefined {
  const say = (all as Readonly<Record<string, (...args: readonly unknown[]) => string>>)[type];
  try {
    return say === undefined ? undefined : line(say(...args));
  } catch {
    return undefined;
  }
}
