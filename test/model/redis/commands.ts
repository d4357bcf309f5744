/** What a command answers, before a client or a script turns it into its own values. */
export type Reply = number | string | null | { readonly status: string } | Reply[];

type Value =
  | { readonly kind: 'string'; text: string }
  | { readonly kind: 'hash'; readonly members: Map<string, string> }
  | { readonly kind: 'set'; readonly members: Set<string> }
  | { readonly kind: 'list'; items: string[] }
  | { readonly kind: 'zset'; readonly scores: Map<string, number> };
type Kind = Value['kind'];
type Of<K extends Kind> = Extract<Value, { kind: K }>;

export class ReplyError extends Error {
  override readonly name = 'ReplyError';
}

export type Listener = (channel: string, message: string) => void;

/**
 * The commands that the store uses, on memory, by the clock that it is given. It knows no others: what
 * is not here fails loudly. `test/model/redis.test.ts` holds it against a real server.
 */
export class MemoryRedis {
  readonly #values = new Map<string, Value>();
  readonly #expiries = new Map<string, number>();
  readonly #subscribers = new Set<Listener>();
  /** Told of each string that is set: the model watches tasks by it. */
  onSet: (key: string, text: string) => void = () => undefined;

  /** `nowMs`: milliseconds since 1970. */
  constructor(private readonly nowMs: () => number) {}

  subscribe(listener: Listener): () => void {
    this.#subscribers.add(listener);
    return () => this.#subscribers.delete(listener);
  }

  /** All data is gone, as with a lost disk. */
  clear(): void {
    this.#values.clear();
    this.#expiries.clear();
  }

  /** Runs one command at once. Throws a ReplyError as the server would answer one. */
  run(name: string, args: readonly string[]): Reply {
    const command = commands[name.toUpperCase()];
    if (command === undefined) throw new ReplyError(`ERR unknown command '${name}'`);
    return command(this, args);
  }

  /** The server's clock in microseconds would change between two calls of one script; it must not. */
  time(): number {
    return Math.floor(this.nowMs());
  }

  read<K extends Kind>(key: string, kind: K): Of<K> | null {
    const until = this.#expiries.get(key);
    if (until !== undefined && until <= this.time()) this.remove(key);
    const value = this.#values.get(key);
    if (value === undefined) return null;
    if (value.kind !== kind) {
      throw new ReplyError('WRONGTYPE Operation against a key holding the wrong kind of value');
    }
    return value as Of<K>;
  }

  /** The text of a key; null also when it is not a text. */
  textOf(key: string): string | null {
    if (!this.exists(key)) return null;
    const value = this.#values.get(key);
    return value?.kind === 'string' ? value.text : null;
  }

  open<K extends Kind>(key: string, kind: K): Of<K> {
    const present = this.read(key, kind);
    if (present !== null) return present;
    const made = empty[kind]() as Of<K>;
    this.#values.set(key, made);
    return made;
  }

  exists(key: string): boolean {
    const until = this.#expiries.get(key);
    if (until !== undefined && until <= this.time()) this.remove(key);
    return this.#values.has(key);
  }

  remove(key: string): boolean {
    this.#expiries.delete(key);
    return this.#values.delete(key);
  }

  expireAt(key: string, ms: number | null): void {
    if (ms === null) this.#expiries.delete(key);
    else this.#expiries.set(key, ms);
  }

  expiry(key: string): number | null {
    return this.exists(key) ? (this.#expiries.get(key) ?? null) : null;
  }

  set(key: string, text: string): void {
    this.#values.set(key, { kind: 'string', text });
    this.#expiries.delete(key);
    this.onSet(key, text);
  }

  publish(channel: string, message: string): number {
    for (const listener of this.#subscribers) listener(channel, message);
    return this.#subscribers.size;
  }

  /** An empty collection is no key. */
  dropIfEmpty(key: string, size: number): void {
    if (size === 0) this.remove(key);
  }
}

const empty: Readonly<Record<Kind, () => Value>> = {
  string: () => ({ kind: 'string', text: '' }),
  hash: () => ({ kind: 'hash', members: new Map() }),
  set: () => ({ kind: 'set', members: new Set() }),
  list: () => ({ kind: 'list', items: [] }),
  zset: () => ({ kind: 'zset', scores: new Map() }),
};

type Command = (db: MemoryRedis, args: readonly string[]) => Reply;

const at = (args: readonly string[], ordinal: number): string => {
  const arg = args[ordinal];
  if (arg === undefined) throw new ReplyError('ERR wrong number of arguments');
  return arg;
};

function whole(text: string | undefined): number {
  if (text === undefined || !/^-?\d+$/.test(text)) {
    throw new ReplyError('ERR value is not an integer or out of range');
  }
  return Number(text);
}

function increase(db: MemoryRedis, key: string, by: number): number {
  const next = whole(db.read(key, 'string')?.text ?? '0') + by;
  // An increment keeps the expiry.
  const until = db.expiry(key);
  db.set(key, String(next));
  if (until !== null) db.expireAt(key, until);
  return next;
}

function slice<T>(items: readonly T[], from: number, to: number): T[] {
  const first = from < 0 ? Math.max(0, items.length + from) : from;
  const last = to < 0 ? items.length + to : to;
  return last < first ? [] : items.slice(first, last + 1);
}

/** Members by score, then by their bytes. */
function ordered(db: MemoryRedis, key: string): [string, number][] {
  const entries = [...(db.read(key, 'zset')?.scores ?? [])];
  return entries.sort(([a, s], [b, t]) => s - t || (a < b ? -1 : a > b ? 1 : 0));
}

function inRange(text: string): { value: number; open: boolean } {
  const open = text.startsWith('(');
  const plain = open ? text.slice(1) : text;
  const value = plain === '-inf' ? -Infinity : plain === '+inf' ? Infinity : Number(plain);
  if (Number.isNaN(value)) throw new ReplyError('ERR min or max is not a float');
  return { value, open };
}

function byScore(db: MemoryRedis, key: string, [low, high]: [string, string]): [string, number][] {
  const [from, to] = [inRange(low), inRange(high)];
  return ordered(db, key).filter(
    ([, score]) =>
      (from.open ? score > from.value : score >= from.value) &&
      (to.open ? score < to.value : score <= to.value),
  );
}

function limited(members: [string, number][], args: readonly string[]): string[] {
  const names = members.map(([member]) => member);
  const limit = args.findIndex((arg) => arg.toUpperCase() === 'LIMIT');
  if (limit < 0) return names;
  const [from, count] = [whole(args[limit + 1]), whole(args[limit + 2])];
  return names.slice(from, count < 0 ? undefined : from + count);
}

function removeMembers(db: MemoryRedis, key: string, members: readonly string[]): number {
  const scores = db.read(key, 'zset')?.scores;
  if (scores === undefined) return 0;
  const removed = members.filter((member) => scores.delete(member)).length;
  db.dropIfEmpty(key, scores.size);
  return removed;
}

const removeKeys: Command = (db, args) =>
  args.filter((key) => db.exists(key) && db.remove(key)).length;

const commands: Readonly<Record<string, Command>> = {
  GET: (db, args) => db.read(at(args, 0), 'string')?.text ?? null,
  MGET: (db, args) => args.map((key) => db.textOf(key)),
  SET: (db, args) => {
    db.set(at(args, 0), at(args, 1));
    const option = args[2]?.toUpperCase();
    if (option === 'PXAT') db.expireAt(at(args, 0), whole(args[3]));
    else if (option !== undefined) throw new ReplyError('ERR syntax error');
    return { status: 'OK' };
  },
  DEL: removeKeys,
  UNLINK: removeKeys,
  EXISTS: (db, args) => args.filter((key) => db.exists(key)).length,
  INCR: (db, args) => increase(db, at(args, 0), 1),
  INCRBY: (db, args) => increase(db, at(args, 0), whole(args[1])),
  EXPIRE: (db, [key = '', seconds]) => {
    if (!db.exists(key)) return 0;
    db.expireAt(key, db.time() + whole(seconds) * 1_000);
    return 1;
  },
  PEXPIRE: (db, [key = '', ms]) => {
    if (!db.exists(key)) return 0;
    db.expireAt(key, db.time() + whole(ms));
    return 1;
  },
  PEXPIREAT: (db, [key = '', ms]) => {
    if (!db.exists(key)) return 0;
    db.expireAt(key, whole(ms));
    return 1;
  },
  PEXPIRETIME: (db, [key = '']) => (db.exists(key) ? (db.expiry(key) ?? -1) : -2),
  TIME: (db) => {
    const now = db.time();
    return [String(Math.floor(now / 1000)), String((now % 1000) * 1000)];
  },
  PUBLISH: (db, args) => db.publish(at(args, 0), at(args, 1)),
  WAITAOF: () => [1, 0],

  HGET: (db, args) => db.read(at(args, 0), 'hash')?.members.get(at(args, 1)) ?? null,
  HMGET: (db, [key = '', ...fields]) => {
    const members = db.read(key, 'hash')?.members;
    return fields.map((field) => members?.get(field) ?? null);
  },
  HGETALL: (db, args) => [...(db.read(at(args, 0), 'hash')?.members ?? [])].flat(),
  HKEYS: (db, args) => [...(db.read(at(args, 0), 'hash')?.members.keys() ?? [])],
  HVALS: (db, args) => [...(db.read(at(args, 0), 'hash')?.members.values() ?? [])],
  HLEN: (db, args) => db.read(at(args, 0), 'hash')?.members.size ?? 0,
  HEXISTS: (db, args) => (db.read(at(args, 0), 'hash')?.members.has(at(args, 1)) === true ? 1 : 0),
  HSET: (db, [key = '', ...pairs]) => {
    if (pairs.length === 0 || pairs.length % 2 !== 0) {
      throw new ReplyError("ERR wrong number of arguments for 'hset' command");
    }
    const { members } = db.open(key, 'hash');
    let added = 0;
    for (let i = 0; i < pairs.length; i += 2) {
      if (!members.has(at(pairs, i))) added += 1;
      members.set(at(pairs, i), at(pairs, i + 1));
    }
    return added;
  },
  HINCRBY: (db, [key = '', field = '', by]) => {
    const { members } = db.open(key, 'hash');
    const sum = whole(members.get(field) ?? '0') + whole(by);
    members.set(field, String(sum));
    return sum;
  },
  HDEL: (db, [key = '', ...fields]) => {
    const members = db.read(key, 'hash')?.members;
    if (members === undefined) return 0;
    const removed = fields.filter((field) => members.delete(field)).length;
    db.dropIfEmpty(key, members.size);
    return removed;
  },
  // Small hashes are given whole, as the server does with those it keeps packed.
  HSCAN: (db, args) => ['0', [...(db.read(at(args, 0), 'hash')?.members ?? [])].flat()],

  SADD: (db, [key = '', ...names]) => {
    const { members } = db.open(key, 'set');
    const before = members.size;
    for (const name of names) members.add(name);
    return members.size - before;
  },
  SREM: (db, [key = '', ...names]) => {
    const members = db.read(key, 'set')?.members;
    if (members === undefined) return 0;
    const removed = names.filter((name) => members.delete(name)).length;
    db.dropIfEmpty(key, members.size);
    return removed;
  },
  SMEMBERS: (db, args) => [...(db.read(at(args, 0), 'set')?.members ?? [])],

  LPUSH: (db, [key = '', ...items]) => {
    const list = db.open(key, 'list');
    for (const item of items) list.items.unshift(item);
    return list.items.length;
  },
  RPUSH: (db, [key = '', ...items]) => {
    const list = db.open(key, 'list');
    list.items.push(...items);
    return list.items.length;
  },
  LTRIM: (db, args) => {
    const list = db.read(at(args, 0), 'list');
    if (list !== null) {
      list.items = slice(list.items, whole(args[1]), whole(args[2]));
      db.dropIfEmpty(at(args, 0), list.items.length);
    }
    return { status: 'OK' };
  },
  LRANGE: (db, args) =>
    slice(db.read(at(args, 0), 'list')?.items ?? [], whole(args[1]), whole(args[2])),

  ZADD: (db, [key = '', ...pairs]) => {
    const { scores } = db.open(key, 'zset');
    const before = scores.size;
    for (let i = 0; i < pairs.length; i += 2) scores.set(at(pairs, i + 1), Number(at(pairs, i)));
    return scores.size - before;
  },
  ZREM: (db, [key = '', ...members]) => removeMembers(db, key, members),
  ZSCORE: (db, args) => {
    const score = db.read(at(args, 0), 'zset')?.scores.get(at(args, 1));
    return score === undefined ? null : String(score);
  },
  ZCARD: (db, args) => db.read(at(args, 0), 'zset')?.scores.size ?? 0,
  ZCOUNT: (db, args) => byScore(db, at(args, 0), [at(args, 1), at(args, 2)]).length,
  ZRANGE: (db, args) => {
    const members = slice(ordered(db, at(args, 0)), whole(args[1]), whole(args[2]));
    return args[3]?.toUpperCase() === 'WITHSCORES'
      ? members.flatMap(([member, score]) => [member, String(score)])
      : members.map(([member]) => member);
  },
  ZREVRANGE: (db, args) =>
    slice(ordered(db, at(args, 0)).reverse(), whole(args[1]), whole(args[2])).map(
      ([member]) => member,
    ),
  ZRANGEBYSCORE: (db, args) =>
    limited(byScore(db, at(args, 0), [at(args, 1), at(args, 2)]), args.slice(3)),
  ZREVRANGEBYSCORE: (db, args) =>
    limited(byScore(db, at(args, 0), [at(args, 2), at(args, 1)]).reverse(), args.slice(3)),
  ZRANGEBYLEX: (db, args) => {
    const [low, high] = [at(args, 1), at(args, 2)];
    const within = (member: string): boolean =>
      (low === '-' || (low.startsWith('(') ? member > low.slice(1) : member >= low.slice(1))) &&
      (high === '+' || (high.startsWith('(') ? member < high.slice(1) : member <= high.slice(1)));
    return limited(
      ordered(db, at(args, 0)).filter(([member]) => within(member)),
      args.slice(3),
    );
  },
  ZREMRANGEBYSCORE: (db, args) => {
    const found = byScore(db, at(args, 0), [at(args, 1), at(args, 2)]);
    return removeMembers(
      db,
      at(args, 0),
      found.map(([member]) => member),
    );
  },
  ZREMRANGEBYRANK: (db, args) => {
    const found = slice(ordered(db, at(args, 0)), whole(args[1]), whole(args[2]));
    return removeMembers(
      db,
      at(args, 0),
      found.map(([member]) => member),
    );
  },
  ZPOPMIN: (db, args) => {
    const [first] = ordered(db, at(args, 0));
    if (first === undefined) return [];
    removeMembers(db, at(args, 0), [first[0]]);
    return [first[0], String(first[1])];
  },
};
