import type { Redis } from 'ioredis';
import type { DiskState } from '../core/disk';
import { nodeId } from '../core/ids';
import type { NodeId } from '../core/ids';
import type { Keys } from './keys';
import { parsed } from './script';

/** What was last seen of a node's room. */
export interface NodeDisk {
  readonly state: DiskState;
  /** Null: not measured; a write failed for want of room. */
  readonly usedBytes: number | null;
  readonly capacityBytes: number | null;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** When a write last failed for want of room, whatever was measured. */
  readonly failedAt?: number;
}

export interface NodeDiskStore {
  all(): Promise<ReadonlyMap<NodeId, NodeDisk>>;
  put(node: NodeId, disk: NodeDisk): Promise<void>;
}

export function createNodeDiskStore({ redis, keys }: { redis: Redis; keys: Keys }): NodeDiskStore {
  return {
    async all() {
      const disks = await redis.hgetall(keys.nodeDisks);
      return new Map(
        Object.entries(disks).map(([node, text]) => [nodeId(node), parsed<NodeDisk>(text)]),
      );
    },
    async put(node, disk) {
      await redis.hset(keys.nodeDisks, node, JSON.stringify(disk));
    },
  };
}
