import type { Fleet, JsonValue } from '../../../core/fleet';
import type { SearchSpec } from '../story/types';
import type { Random } from '../world/random';

/** One node as the checker asks it: past every fault. */
export interface CheckedNode {
  readonly id: string;
  /** The body of the answer, also of a refusal. */
  ask(method: string, path: string, body?: object): JsonValue | Promise<JsonValue>;
}

/** What the last check needs of a fleet, of the model's or of one of processes. */
export interface CheckedFleet {
  readonly nodes: ReadonlyMap<string, CheckedNode>;
  readonly random: Random;
  load(): Promise<Fleet>;
  /** The epoch by which each pod answers. */
  pods(): Promise<readonly { readonly name: string; readonly epoch: number }[]>;
  /** What a client is answered: the body of the result, or of the error. */
  search(spec: SearchSpec): Promise<JsonValue>;
  /** An empty node that belongs to nobody. */
  alone(name: string): Promise<CheckedNode>;
  pause(ms: number): Promise<void>;
}
