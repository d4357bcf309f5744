/**
 * Replays the recorded exchanges of a real Meilisearch against any server that claims to speak its
 * API, and says where the answers differ. Exchanges run in order against a fresh server; where the
 * recording has a finished task, the task is awaited and compared too.
 *
 * What no server can repeat is not compared: uids of tasks and batches, times, durations, sizes,
 * request and dump uids, totals of tasks, the commit of the build. Where the real server answered `internal`, a clear refusal
 * counts as equal.
 */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isObject, parseJson, stringifyJson } from '../../../local/embedded-node/engine/json';
import type { Json, JsonObject } from '../../../local/embedded-node/engine/json';
import { httpExchange } from './http-exchange';
import type { HttpAnswer } from './http-exchange';

export interface ReplayOptions {
  /** Groups that are compared; the others run too, as later exchanges build on them. Default all. */
  readonly groups?: readonly string[];
  /** Whether members of objects must come in the recorded order. Default true. */
  readonly memberOrder?: boolean;
  /** Path of the file of exchanges; default `test/recordings/api.ndjson`. */
  readonly recording?: string;
  /** How long one task may take. Default 30,000. */
  readonly taskTimeoutMs?: number;
}

export interface Difference {
  /** Counts from 0 in the file. */
  readonly line: number;
  readonly group: string;
  readonly request: string;
  readonly part: 'answer' | 'task';
  readonly expected: string;
  readonly actual: string;
}

export interface GroupReport {
  equal: number;
  total: number;
}

export interface Report {
  readonly groups: Readonly<Record<string, GroupReport>>;
  readonly differences: readonly Difference[];
}

const RECORDING = join(__dirname, '../../recordings/api.ndjson');
const RECORDED_MASTER_KEY = 'MASTER';
const POLL_MS = 5;

const VOLATILE = new Set([
  'taskUid',
  'batchUid',
  'canceledBy',
  'enqueuedAt',
  'startedAt',
  'finishedAt',
  'createdAt',
  'updatedAt',
  'duration',
  'processingTimeMs',
  'requestUid',
  'dumpUid',
  'databaseSize',
  'usedDatabaseSize',
  'rawDocumentDbSize',
  'avgDocumentSize',
  'lastUpdate',
  'performanceDetails',
  'commitSha',
  'commitDate',
  'progressTrace',
  'progress',
  'key',
]);

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function member(value: Json | undefined, name: string): Json | undefined {
  return isObject(value) ? value.get(name) : undefined;
}

/** The value without what is volatile; members sorted unless their order counts. */
function comparable(value: Json, memberOrder: boolean): Json {
  if (Array.isArray(value)) return value.map((item) => comparable(item, memberOrder));
  if (typeof value === 'string') return value.replace(/we're now `\d+`/, 'now');
  if (!isObject(value)) return value;
  const isTask = value.has('enqueuedAt') || value.has('batchStrategy');
  const isTaskList = value.has('next') && value.has('from');
  const members = [...value].map(([name, item]): [string, Json] => {
    const hidden =
      VOLATILE.has(name) ||
      (isTask && name === 'uid') ||
      (isTaskList && ['total', 'from', 'next'].includes(name));
    return [name, hidden && item !== null ? 'volatile' : comparable(item, memberOrder)];
  });
  if (!memberOrder) members.sort(([left], [right]) => (left < right ? -1 : 1));
  return new Map(members);
}

/** Runs one recording against one server. */
class Replay {
  readonly groups: Record<string, GroupReport> = {};
  readonly differences: Difference[] = [];
  private readonly keys = new Map<string, string>();

  constructor(
    private readonly baseUrl: string,
    private readonly masterKey: string,
    private readonly options: ReplayOptions,
  ) {}

  async exchange(line: number, recorded: Json): Promise<void> {
    const request = member(recorded, 'request');
    const response = member(recorded, 'response');
    const task = member(recorded, 'task');
    const answer = await this.send(request);
    this.learnKey(response, answer);
    const finished = isObject(task) ? await this.finishedTask(answer) : null;
    const group = text(member(recorded, 'group'));
    if (this.options.groups !== undefined && !this.options.groups.includes(group)) return;
    const report = (this.groups[group] ??= { equal: 0, total: 0 });
    report.total += 1;
    const shown = `${text(member(request, 'method'))} ${text(member(request, 'path'))}`;
    const at = { line, group, request: shown };
    const difference =
      this.compareAnswer(response, answer, isObject(task) ? task : null) ??
      (isObject(task) ? this.compareTask(task, finished, answer) : null);
    if (difference === null) report.equal += 1;
    else this.differences.push({ ...at, ...difference });
  }

  private async send(request: Json | undefined): Promise<HttpAnswer> {
    const headers: Record<string, string> = {};
    const sent = member(request, 'headers');
    for (const [name, value] of isObject(sent) ? sent : []) {
      headers[name] = name === 'Authorization' ? this.credential(text(value)) : text(value);
    }
    const body = this.body(request, headers);
    return httpExchange(this.baseUrl, {
      method: text(member(request, 'method')),
      path: text(member(request, 'path')),
      headers,
      body,
    });
  }

  /** Objects were sent as JSON; texts as they stand, with no content type but a recorded one. */
  private body(request: Json | undefined, headers: Record<string, string>): Buffer | null {
    const base64 = member(request, 'bodyBase64');
    if (typeof base64 === 'string') return Buffer.from(base64, 'base64');
    const body = member(request, 'body');
    if (body === undefined) return null;
    const isText = typeof body === 'string';
    headers['Content-Type'] ??= isText ? '' : 'application/json';
    return Buffer.from(isText ? body : stringifyJson(body));
  }

  private credential(recorded: string): string {
    const bearer = recorded.replace(RECORDED_MASTER_KEY, this.masterKey);
    const token = recorded.replace(/^Bearer /, '');
    const key = this.keys.get(token);
    if (key !== undefined) return `Bearer ${key}`;
    const [head, claims, signature] = token.split('.');
    if (head === undefined || claims === undefined || signature === undefined) return bearer;
    for (const [recordedKey, actualKey] of this.keys) {
      const sign = (secret: string): string =>
        createHmac('sha256', secret).update(`${head}.${claims}`).digest('base64url');
      if (sign(recordedKey) === signature) return `Bearer ${head}.${claims}.${sign(actualKey)}`;
    }
    return bearer;
  }

  /** A created key depends on the master key; later exchanges use it. */
  private learnKey(response: Json | undefined, answer: HttpAnswer): void {
    const recorded = member(member(response, 'body'), 'key');
    const actual = member(answer.json, 'key');
    if (typeof recorded === 'string' && typeof actual === 'string') this.keys.set(recorded, actual);
  }

  private async finishedTask(answer: HttpAnswer): Promise<JsonObject | null> {
    const uid = member(answer.json, 'taskUid');
    if (typeof uid !== 'number') return null;
    const deadline = Date.now() + (this.options.taskTimeoutMs ?? 30_000);
    for (;;) {
      const { json } = await httpExchange(this.baseUrl, {
        method: 'GET',
        path: `/tasks/${uid}`,
        headers: { Authorization: `Bearer ${this.masterKey}` },
        body: null,
      });
      const status = text(member(json, 'status'));
      if (isObject(json) && status !== 'enqueued' && status !== 'processing') return json;
      if (Date.now() > deadline)
        throw new Error(`Task ${uid} is not finished: ${stringifyJson(json)}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  private compareAnswer(
    response: Json | undefined,
    answer: HttpAnswer,
    task: JsonObject | null,
  ): Pick<Difference, 'part' | 'expected' | 'actual'> | null {
    const status = member(response, 'status');
    const recordedBody = member(response, 'body') ?? null;
    const isInternal =
      text(member(recordedBody, 'code')) === 'internal' ||
      text(member(task?.get('error'), 'code')) === 'internal';
    if (isInternal && answer.status >= 400 && answer.status < 500) return null;
    const expected = `${stringifyJson(status ?? null)} ${this.print(recordedBody)}`;
    const actual = `${answer.status} ${this.print(answer.json)}`;
    return expected === actual ? null : { part: 'answer', expected, actual };
  }

  private compareTask(
    task: JsonObject,
    finished: JsonObject | null,
    answer: HttpAnswer,
  ): Pick<Difference, 'part' | 'expected' | 'actual'> | null {
    if (text(member(task.get('error'), 'code')) === 'internal') {
      const refused = answer.status >= 400 && answer.status < 500;
      if (refused || text(finished?.get('status')) === 'failed') return null;
    }
    const expected = this.print(task);
    const actual = this.print(finished);
    return expected === actual ? null : { part: 'task', expected, actual };
  }

  private print(value: Json): string {
    return stringifyJson(comparable(value, this.options.memberOrder ?? true));
  }
}

/**
 * Runs all recorded exchanges against a fresh server and compares. The server must have been started
 * with `masterKey`. Rejects when the server cannot be reached or a task does not end.
 */
export async function replay(
  baseUrl: string,
  masterKey: string,
  options: ReplayOptions = {},
): Promise<Report> {
  const run = new Replay(baseUrl, masterKey, options);
  const lines = readFileSync(options.recording ?? RECORDING, 'utf8')
    .trim()
    .split('\n');
  for (const [line, recorded] of lines.entries()) await run.exchange(line, parseJson(recorded));
  return { groups: run.groups, differences: run.differences };
}
