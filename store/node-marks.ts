import type { Redis } from 'ioredis';
import { nodeId } from '../core/ids';
import type { NodeId } from '../core/ids';
import type { Keys } from './keys';
import { parsed } from './script';
import type { ScriptRunner } from './script';
import { noteMarkScript } from './scripts/note-mark';

/** The newest task of a node that anybody has seen: a node that lost it went back in time. */
export interface NodeMark {
  /** The instance id of the disk that the task is on. */
  readonly instance: string;
  readonly taskUid: number;
  readonly enqueuedAt: string;
}

export interface NodeMarkStore {
  all(): Promise<ReadonlyMap<NodeId, NodeMark>>;
  /** Keeps the newer of two marks of one disk; the mark of another disk replaces it. */
  note(node: NodeId, mark: NodeMark): Promise<void>;
  drop(node: NodeId): Promise<void>;
}

export function createNodeMarkStore({
  redis,
  keys,
  scripts,
}: {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly scripts: ScriptRunner;
}): NodeMarkStore {
  return {
    async all() {
      const marks = await redis.hgetall(keys.nodeMarks);
      return new Map(
        Object.entries(marks).map(([node, text]) => {
          const [instance, taskUid, enqueuedAt] = parsed<[string, number, string]>(text);
          return [nodeId(node), { instance, taskUid, enqueuedAt }];
        }),
      );
    },
    async note(node, { instance, taskUid, enqueuedAt }) {
      const text = JSON.stringify([instance, taskUid, enqueuedAt]);
      await scripts.run(noteMarkScript, [keys.nodeMarks], [node, text, instance, taskUid]);
    },
    async drop(node) {
      await redis.hdel(keys.nodeMarks, node);
    },
  };
}
