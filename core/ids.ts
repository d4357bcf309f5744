/**
 * The names of things. They are branded, so that a shard number is never taken for a bucket number
 * and a client's index uid is never sent to a node.
 */
declare const brand: unique symbol;
type Brand<T, B extends string> = T & { readonly [brand]: B };

/** One Meilisearch process, by the name the operator gave it (`meili-0`). Never an address. */
export type NodeId = Brand<string, 'NodeId'>;
/** A replica group: nodes that together hold every shard. */
export type GroupId = Brand<number, 'GroupId'>;
/** `0 … S-1`. */
export type ShardId = Brand<number, 'ShardId'>;
/** The name of an index as clients write it. */
export type IndexUid = Brand<string, 'IndexUid'>;
/** The name of the same index on the nodes. It never changes, so swap and rename move no data. */
export type PhysicalUid = Brand<string, 'PhysicalUid'>;
/** Rises by one at each change of the fleet's state. */
export type Epoch = Brand<number, 'Epoch'>;
/** `taskUid` on the wire of Miroir. */
export type FleetTaskUid = Brand<number, 'FleetTaskUid'>;
/** `taskUid` on the wire of one node. */
export type NodeTaskUid = Brand<number, 'NodeTaskUid'>;
/** A registered api process or worker process. */
export type PodId = Brand<string, 'PodId'>;

export const nodeId = (value: string): NodeId => value as NodeId;
export const groupId = (value: number): GroupId => value as GroupId;
export const shardId = (value: number): ShardId => value as ShardId;
export const indexUid = (value: string): IndexUid => value as IndexUid;
export const physicalUid = (value: string): PhysicalUid => value as PhysicalUid;
export const epoch = (value: number): Epoch => value as Epoch;
export const fleetTaskUid = (value: number): FleetTaskUid => value as FleetTaskUid;
export const nodeTaskUid = (value: number): NodeTaskUid => value as NodeTaskUid;
export const podId = (value: string): PodId => value as PodId;
