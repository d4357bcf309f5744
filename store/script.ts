import type { Redis } from 'ioredis';
import { scriptItemsMax } from '../core/limits';
import { StoreError } from './store-error';

/** One atomic decision. `name` is the command it becomes on the connection. */
export interface Script {
  readonly name: string;
  readonly lua: string;
}

export type ScriptReply = number | string | null | ScriptReply[];

type Command = (keyCount: number, ...keysAndArguments: (string | number)[]) => Promise<ScriptReply>;

export interface ScriptRunner {
  run(
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<ScriptReply>;
}

/** Sends each script once (EVALSHA afterwards), also again after the server has forgotten it. */
export function createScriptRunner(redis: Redis): ScriptRunner {
  const commands = new Map<string, Command>();
  return {
    run(script, keys, args) {
      let command = commands.get(script.name);
      if (command === undefined) {
        redis.defineCommand(script.name, { lua: script.lua });
        const defined = (redis as unknown as { [name: string]: Command })[script.name];
        if (defined === undefined) {
          throw new StoreError('store_corrupt', `The script ${script.name} was not defined.`);
        }
        command = defined.bind(redis);
        commands.set(script.name, command);
      }
      return command(keys.length, ...keys, ...args);
    },
  };
}

/** Every caller counts its items before it calls: a long script stops all other clients. */
export function assertItems(what: string, count: number): void {
  if (count > scriptItemsMax) {
    throw new StoreError(
      'store_too_many_items',
      `${what}: ${count} items in one step, at most ${scriptItemsMax} are allowed.`,
      { count, max: scriptItemsMax },
    );
  }
}

/** A reply that is a list, with its members as the script's header names them. */
export function listOf(reply: ScriptReply | undefined): ScriptReply[] {
  if (!Array.isArray(reply)) {
    throw new StoreError('store_corrupt', `A script replied ${JSON.stringify(reply)}, not a list.`);
  }
  return reply;
}

export function numberOf(reply: ScriptReply | undefined): number {
  const value = typeof reply === 'string' && reply !== '' ? Number(reply) : reply;
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new StoreError('store_corrupt', `Redis holds ${JSON.stringify(reply)}, not a number.`);
  }
  return value;
}

export function textOf(reply: ScriptReply | undefined): string {
  if (typeof reply !== 'string') {
    throw new StoreError('store_corrupt', `Redis holds ${JSON.stringify(reply)}, not a text.`);
  }
  return reply;
}

/** Members of JSON that this store wrote itself are trusted to have their type. */
export function parsed<T>(json: string): T {
  try {
    return JSON.parse(json) as T;
  } catch {
    throw new StoreError('store_corrupt', `Redis holds ${json.slice(0, 100)}, not JSON.`);
  }
}

/** An unexpected return code is a broken invariant between a script and its caller. */
export function unknownCode(script: Script, code: unknown): StoreError {
  return new StoreError('store_corrupt', `${script.name} returned ${JSON.stringify(code)}.`);
}
