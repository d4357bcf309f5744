/** Everything the worker's bundle exports: one function for each workflow type. */
export { antiEntropy, scheduledAntiEntropy } from './anti-entropy';
export { addGroup, removeGroup } from './groups';
export { expireDocuments, scheduledExpiry } from './expire-documents';
export { addNode, drainNode, removeNode } from './nodes';
export { planOperation } from './plan-operation';
export { rebalance, repairReplica } from './rebalance';
export { rebuildNode } from './rebuild-node';
export { scheduledRepair } from './scheduled-repair';
export { reshardIndex } from './reshard-index';
export { replaceNode, setNode, setReplication } from './set-placement';
export { rolloverAlias, scheduledRollover } from './rollover-alias';
export { runCanary, scheduledCanary } from './run-canary';
export { settingsBroadcast } from './settings-broadcast';
export { scheduledSettingsCheck, settingsCheck } from './settings-check';
export { syncShards } from './sync-shards';
export { upgradeNodes } from './upgrade-nodes';
