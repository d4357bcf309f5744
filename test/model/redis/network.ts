import type { Redis } from 'ioredis';
import type { Owner, World } from '../world/world';
import type { MemoryRedis, Reply } from './commands';
import { ScriptEngine } from './scripts';

/** One Lua for all runs of a process: its scripts are compiled once. */
let engine: ScriptEngine | null = null;

export interface Weather {
  /** Milliseconds that the next message takes. */
  delay(): number;
  /** The connection of this owner breaks around the next command: before the server reads it, or after. */
  breaks(owner: Owner): 'before' | 'after' | null;
  /** The server does not answer this owner. */
  away(owner: Owner): boolean;
  /** A published message that a subscriber does not get. */
  losesMessage(owner: Owner): boolean;
  /** Changes a script on its way, to see whether the checker notices. */
  script(name: string, lua: string): string;
}

/** The one server and the lines to it. */
export class RedisNetwork {
  constructor(
    private readonly world: World,
    private readonly weather: Weather,
    readonly db: MemoryRedis,
  ) {
    engine ??= new ScriptEngine();
  }

  /** The same server over lines that nothing happens to. */
  calmView(): RedisNetwork {
    return new RedisNetwork(this.world, calmWeather, this.db);
  }

  /** A connection as ioredis has one, with the methods that the store uses. */
  connect(owner: Owner): Redis {
    return new Connection(this.world, this, { weather: this.weather, owner }).asRedis();
  }

  runScript(lua: string, keys: readonly string[], args: readonly string[]): Reply {
    if (engine === null) throw new Error('No script engine.');
    return engine.run(this.db, lua, keys, args);
  }
}

const calmWeather: Weather = {
  delay: () => 0.1,
  breaks: () => null,
  away: () => false,
  losesMessage: () => false,
  script: (_name, lua) => lua,
};

type Run = () => unknown;
interface Pending {
  readonly name: string;
  readonly reject: (error: Error) => void;
  sent: boolean;
  done: boolean;
}

const retryMs = 2_000;

/**
 * Commands of one connection arrive and are answered in their order. When it breaks, commands that were
 * sent fail at once, executed or not; others wait for the server for a bounded time, as `store/connect.ts`
 * has it.
 */
class Connection {
  #arrivesAt = 0;
  #answeredAt = 0;
  #pending = new Set<Pending>();
  readonly #scripts = new Map<string, string>();
  readonly #channels = new Set<string>();
  readonly #handlers = new Map<string, ((...args: string[]) => void)[]>();
  #unsubscribe: (() => void) | null = null;

  constructor(
    private readonly world: World,
    private readonly network: RedisNetwork,
    private readonly how: { weather: Weather; owner: Owner },
  ) {}

  asRedis(): Redis {
    const own = new Map<string, unknown>([
      ['defineCommand', (name: string, { lua }: { lua: string }) => this.#define(name, lua)],
      ['multi', () => this.#multi()],
      ['call', (name: string, ...args: unknown[]) => this.#command(name, args)],
      ['on', (event: string, handler: (...args: string[]) => void) => this.#on(event, handler)],
      ['off', (event: string) => void this.#handlers.delete(event)],
      ['subscribe', (...channels: string[]) => this.#subscribe(channels)],
      ['unsubscribe', () => this.#stop()],
      ['duplicate', () => this.network.connect(this.how.owner)],
      ['disconnect', () => void this.#stop()],
    ]);
    return new Proxy({} as Redis, {
      get: (_target, name) => {
        // A promise of a connection must not take it for a promise.
        if (typeof name !== 'string' || name === 'then') return undefined;
        const known = own.get(name);
        if (known !== undefined) return known;
        const lua = this.#scripts.get(name);
        if (lua !== undefined) return this.#scriptCommand(name, lua);
        return (...args: unknown[]) => this.#command(name, args);
      },
    });
  }

  #define(name: string, lua: string): void {
    this.#scripts.set(name, this.how.weather.script(name, lua));
  }

  #scriptCommand(name: string, lua: string): (count: number, ...rest: unknown[]) => unknown {
    return (count, ...rest) => {
      const texts = rest.map(String);
      return this.#send(name, () =>
        forClient(this.network.runScript(lua, texts.slice(0, count), texts.slice(count))),
      );
    };
  }

  #command(name: string, args: readonly unknown[]): Promise<unknown> {
    const texts = args.flat().map(String);
    return this.#send(name, () => {
      const reply = forClient(this.network.db.run(name, texts));
      return name === 'hgetall' ? membersOf(reply as string[]) : reply;
    });
  }

  #multi(): unknown {
    const runs: Run[] = [];
    const chain: unknown = new Proxy(
      {},
      {
        get: (_target, name) => {
          if (typeof name !== 'string' || name === 'then') return undefined;
          if (name === 'exec') {
            return () => this.#send('multi', () => runs.map((run) => [null, run()]));
          }
          return (...args: unknown[]) => {
            const texts = args.flat().map(String);
            runs.push(() => forClient(this.network.db.run(name, texts)));
            return chain;
          };
        },
      },
    );
    return chain;
  }

  #send(name: string, run: Run): Promise<unknown> {
    const { world } = this;
    const { owner, weather } = this.how;
    return new Promise((resolve, reject) => {
      const pending: Pending = { name, reject, sent: false, done: false };
      this.#pending.add(pending);
      const finish = (end: () => void): void => {
        if (pending.done) return;
        pending.done = true;
        this.#pending.delete(pending);
        end();
      };
      const giveUpAt = world.now + retryMs;
      const arrive = (): void => {
        if (pending.done) return;
        if (weather.away(owner)) {
          if (world.now < giveUpAt) world.after(50, 'redis', arrive);
          else world.after(0, owner, () => finish(() => reject(lost('Reached the max retries.'))));
          return;
        }
        pending.sent = true;
        const breaks = weather.breaks(owner);
        if (breaks === 'before') return this.#break(name, breaks);
        const outcome = attempt(run);
        if (breaks === 'after') return this.#break(name, breaks);
        this.#answeredAt = Math.max(this.#answeredAt, world.now + weather.delay());
        world.after(this.#answeredAt - world.now, owner, () =>
          finish(() => (outcome.ok ? resolve(outcome.value) : reject(outcome.error))),
        );
      };
      this.#arrivesAt = Math.max(this.#arrivesAt, world.now + weather.delay());
      world.after(this.#arrivesAt - world.now, 'redis', arrive);
    });
  }

  /** Everything that was sent fails; what was not is sent on the next connection. */
  #break(name: string, when: string): void {
    this.world.note(`connection of ${this.how.owner} breaks ${when} ${name}`);
    for (const pending of this.#pending) {
      if (!pending.sent) continue;
      this.world.after(0, this.how.owner, () => {
        if (pending.done) return;
        pending.done = true;
        this.#pending.delete(pending);
        pending.reject(lost(`Connection is closed, with ${pending.name} under way.`));
      });
    }
  }

  #on(event: string, handler: (...args: string[]) => void): void {
    this.#handlers.set(event, [...(this.#handlers.get(event) ?? []), handler]);
  }

  async #subscribe(channels: readonly string[]): Promise<void> {
    for (const channel of channels) this.#channels.add(channel);
    this.#unsubscribe ??= this.network.db.subscribe((channel, message) => {
      const { weather, owner } = this.how;
      if (!this.#channels.has(channel) || weather.losesMessage(owner)) return;
      this.world.after(weather.delay(), owner, () => {
        for (const handler of this.#handlers.get('message') ?? []) handler(channel, message);
      });
    });
    return Promise.resolve();
  }

  async #stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    this.#channels.clear();
    return Promise.resolve();
  }
}

function attempt(run: Run): { ok: true; value: unknown } | { ok: false; error: Error } {
  try {
    return { ok: true, value: run() };
  } catch (error) {
    return { ok: false, error: error as Error };
  }
}

function lost(message: string): Error {
  return Object.assign(new Error(message), { name: 'ConnectionError' });
}

function forClient(reply: Reply): unknown {
  if (Array.isArray(reply)) return reply.map(forClient);
  return typeof reply === 'object' && reply !== null ? reply.status : reply;
}

function membersOf(flat: readonly string[]): Record<string, string> {
  const members: Record<string, string> = {};
  for (let i = 0; i + 1 < flat.length; i += 2) members[flat[i] ?? ''] = flat[i + 1] ?? '';
  return members;
}
