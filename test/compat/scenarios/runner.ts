import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { SideOnWire } from '../sides';
import { runOnWire } from './wire';
import type { WireRequest } from './wire';

/**
 * `{ 'POST /indexes/films/search': body }`; a body of `$raw` and `$type` is sent as that text. A step whose
 * name begins with `WIRE` is sent byte for byte over a socket, as `wire.ts` says.
 */
type Step = Readonly<Record<string, unknown>>;

interface ScenarioFile {
  readonly given: readonly Step[];
  readonly scenarios: Readonly<Record<string, readonly Step[]>>;
}

export interface Scenario {
  /** `search: a typo`. */
  readonly name: string;
  readonly steps: readonly Step[];
}

/** What a client saw of one step; what no two servers share is left out. */
export interface Seen {
  readonly step: string;
  readonly status: number;
  readonly body: unknown;
  /** The finished task, where one was enqueued. */
  readonly task?: unknown;
  /** Of an answer over a socket: those headers that clients go by. */
  readonly headers?: Readonly<Record<string, string>>;
}

const folder = join(process.cwd(), 'test', 'compat', 'scenarios');
export const expectedFile = join(folder, 'expected.ndjson');

/** All scenarios in the order in which they must run; what is given comes first. */
export function loadScenarios(): Scenario[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  return files.sort().flatMap((name) => {
    const file = parse(readFileSync(join(folder, name), 'utf8')) as ScenarioFile;
    const subject = name.replace('.yaml', '');
    return [
      { name: `${subject}: given`, steps: file.given },
      ...Object.entries(file.scenarios).map(([scenario, steps]) => ({
        name: `${subject}: ${scenario}`,
        steps,
      })),
    ];
  });
}

/** One scenario a line, in order. */
export function loadExpected(): ReadonlyMap<string, readonly Seen[]> {
  const lines = readFileSync(expectedFile, 'utf8').trimEnd().split('\n');
  return new Map(
    lines.map((line) => {
      const { name, seen } = JSON.parse(line) as { name: string; seen: Seen[] };
      return [name, seen];
    }),
  );
}

export async function runScenario(side: SideOnWire, { steps }: Scenario): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (const one of steps) {
    for (const [step, body] of Object.entries(one)) seen.push(await runStep(side, step, body));
  }
  return seen;
}

async function runStep(side: SideOnWire, step: string, body: unknown): Promise<Seen> {
  const space = step.indexOf(' ');
  const method = step.slice(0, space);
  if (method === 'WIRE') {
    const answer = await runOnWire(side, step.slice(space + 1), (body ?? {}) as WireRequest);
    return { step, ...answer, body: withoutVolatile(answer.body) };
  }
  const path = step.slice(space + 1);
  const raw = body as { $raw?: string; $type?: string } | null;
  const isRaw = typeof raw?.$raw === 'string';
  const answer = await side.send(
    method,
    path,
    isRaw ? raw.$raw : (body ?? undefined),
    isRaw ? { 'content-type': raw.$type ?? 'application/json' } : {},
  );
  const shown = { step, status: answer.status, body: withoutVolatile(answer.body) };
  const uid = answer.body['taskUid'];
  return uid === undefined ? shown : { ...shown, task: await finished(side, String(uid), step) };
}

const taskDeadlineMs = 60_000;

async function finished(side: SideOnWire, uid: string, step: string): Promise<unknown> {
  const end = Date.now() + taskDeadlineMs;
  for (;;) {
    const { body } = await side.send('GET', `/tasks/${uid}`);
    if (!['enqueued', 'processing'].includes(String(body['status']))) return withoutVolatile(body);
    if (Date.now() > end) throw new Error(`${step}: task ${uid} does not end.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Times, ids made by chance, sizes on a disk, and uids of tasks, which depend on what ran before. */
const volatile = new Set([
  ...['taskUid', 'uuid', 'uid:number', 'batchUid', 'canceledBy', 'from', 'next'],
  ...['enqueuedAt', 'startedAt', 'finishedAt', 'duration', 'createdAt', 'updatedAt'],
  ...['processingTimeMs', 'requestUid', 'rawDocumentDbSize', 'avgDocumentSize', 'isIndexing'],
]);

function withoutVolatile(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutVolatile);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, inner]) => !volatile.has(name) && !volatile.has(`${name}:${typeof inner}`))
      .filter(([name, inner]) => name !== 'key' || !/^[0-9a-f]{64}$/.test(String(inner)))
      .map(([name, inner]) => [name, withoutVolatile(inner)]),
  );
}
