/**
 * Goal: the model's Redis answers as a real server does, also inside the store's scripts, because what
 * the model proves it proves of those scripts.
 * Method: random sequences of all commands that the store uses, with random (also wrong) arguments, go to
 * both and must be answered the same; then each script runs on both with the calls of a store.
 */
import { connectRedis } from '../../store/connect';
import { redisForTest } from '../support/redis';
import { MemoryRedis } from './redis/commands';
import type { Reply } from './redis/commands';
import { ScriptEngine } from './redis/scripts';
import { Random } from './world/random';

const { url, prefix } = redisForTest();
const redis = connectRedis(url);
afterAll(() => redis.disconnect());

const key = (random: Random, kind: string): string =>
  `${prefix}:${random.chance(0.03) ? 'other' : kind}:${String(random.between(0, 2))}`;
const member = (random: Random): string => `m${String(random.between(0, 5))}`;
const score = (random: Random): string => String(random.between(0, 6));
const bound = (random: Random): string =>
  random.pick(['-inf', '+inf', '(2', '3', score(random), score(random)]);
const edge = (random: Random): string => String(random.between(-4, 4));
const manyOf = (random: Random, make: () => string[]): string[] =>
  Array.from({ length: random.between(1, 3) }, make).flat();

/** One command with its arguments; sets and hashes give no order, so their answers are sorted. */
function anyCommand(random: Random): { command: string[]; unordered: boolean } {
  const [s, h, z, l, u] = ['string', 'hash', 'zset', 'list', 'set'].map((kind) =>
    key(random, kind),
  ) as [string, string, string, string, string];
  const members = (): string[] => manyOf(random, () => [member(random)]);
  const choices: (() => string[])[] = [
    () => ['GET', s],
    () => ['MGET', s, h],
    () => ['SET', s, random.pick(['1', '7', 'text'])],
    () => ['INCR', s],
    () => ['INCRBY', s, '5'],
    () => ['DEL', s, random.pick([h, z, l])],
    () => ['UNLINK', u],
    () => ['EXISTS', s, h, z],
    () => ['HGET', h, member(random)],
    () => ['HMGET', h, ...members()],
    () => ['HGETALL', h],
    () => ['HKEYS', h],
    () => ['HVALS', h],
    () => ['HLEN', h],
    () => ['HEXISTS', h, member(random)],
    () => ['HSET', h, ...manyOf(random, () => [member(random), score(random)])],
    () => ['HDEL', h, ...members()],
    () => ['SADD', u, ...members()],
    () => ['SREM', u, ...members()],
    () => ['SMEMBERS', u],
    () => ['LPUSH', l, member(random)],
    () => ['RPUSH', l, member(random), member(random)],
    () => ['LTRIM', l, edge(random), edge(random)],
    () => ['LRANGE', l, edge(random), edge(random)],
    () => ['ZADD', z, ...manyOf(random, () => [score(random), member(random)])],
    () => ['ZREM', z, ...members()],
    () => ['ZSCORE', z, member(random)],
    () => ['ZCARD', z],
    () => ['ZCOUNT', z, bound(random), bound(random)],
    () => ['ZRANGE', z, edge(random), edge(random)],
    () => ['ZRANGE', z, edge(random), edge(random), 'WITHSCORES'],
    () => ['ZREVRANGE', z, edge(random), edge(random)],
    () => ['ZRANGEBYSCORE', z, bound(random), bound(random)],
    () => ['ZRANGEBYSCORE', z, bound(random), bound(random), 'LIMIT', '0', '2'],
    () => ['ZREVRANGEBYSCORE', z, bound(random), bound(random), 'LIMIT', '1', '2'],
    () => ['ZREMRANGEBYSCORE', z, bound(random), bound(random)],
    () => ['ZREMRANGEBYRANK', z, edge(random), edge(random)],
    () => ['ZPOPMIN', z],
    () => ['PEXPIRETIME', s],
  ];
  const command = random.pick(choices)();
  return { command, unordered: /^(HGETALL|HKEYS|HVALS|SMEMBERS)$/.test(command[0] ?? '') };
}

async function asked(command: readonly string[]): Promise<unknown> {
  const [name = '', ...args] = command;
  try {
    return await redis.call(name, ...args);
  } catch (error) {
    return `error ${(error as Error).message.split(' ')[0] ?? ''}`;
  }
}

function plain(reply: Reply): unknown {
  if (Array.isArray(reply)) return reply.map(plain);
  return typeof reply === 'object' && reply !== null ? reply.status : reply;
}

function answered(run: () => Reply): unknown {
  try {
    return plain(run());
  } catch (error) {
    return `error ${(error as Error).message.split(' ')[0] ?? ''}`;
  }
}

/** The client shows scores as pairs, where scripts get one flat list. */
const flat = (reply: unknown): unknown =>
  Array.isArray(reply) ? (reply.flat() as unknown[]).map(String) : reply;
const sorted = (reply: unknown): unknown => (Array.isArray(reply) ? [...reply].sort() : reply);

test('answers every command that the store uses as the server does', async () => {
  const seed = Number(process.env['MODEL_SEED'] ?? Date.now() % 1_000_000);
  const random = new Random(seed);
  const db = new MemoryRedis(() => Date.now());
  for (let i = 0; i < 4_000; i += 1) {
    const { command, unordered } = anyCommand(random);
    const [name = '', ...args] = command;
    const theirs = flat(await asked(command));
    const ours = flat(answered(() => db.run(name, args)));
    const pair = { seed, i, command, answer: unordered ? sorted(ours) : ours };
    expect(pair).toEqual({ ...pair, answer: unordered ? sorted(theirs) : theirs });
  }
});

const script = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local counted = redis.call('INCRBY', KEYS[1], ARGV[1]) - 1
local known = cjson.decode(ARGV[2])
redis.call('HSET', KEYS[2], 'a', string.format('%.0f', now * 0 + 1735689600123), 'n', counted + 1)
local seen, shards = {}, {}
for _, shard in ipairs(known.shards) do seen[shard] = true end
for shard in string.gmatch('1,3,5', '%d+') do
  if seen[tonumber(shard)] then shards[#shards + 1] = shard end
end
local values = redis.call('HMGET', KEYS[2], unpack({ 'a', 'missing', 'n' }))
return { counted, tonumber('7') / 2, values, cjson.encode(shards), false, 'unseen' }
`;

test('runs scripts as the server does: numbers, lists, nothing, JSON', async () => {
  const keys = [`${prefix}:n`, `${prefix}:h`];
  const args = ['5', JSON.stringify({ shards: [3, 5], other: null, all: 'x' })];
  const theirs = await redis.eval(script, 2, ...keys, ...args);
  const ours = plain(new ScriptEngine().run(new MemoryRedis(() => Date.now()), script, keys, args));
  expect(ours).toEqual(theirs);
});
