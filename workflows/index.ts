/** Everything the worker's bundle exports: one function for each workflow type. */
export { addNode, drainNode, removeNode } from './nodes';
export { rebalance, repairReplica } from './rebalance';
export { rolloverAlias, scheduledRollover } from './rollover-alias';
export { runCanary, scheduledCanary } from './run-canary';
export { settingsBroadcast } from './settings-broadcast';
export { syncShards } from './sync-shards';
