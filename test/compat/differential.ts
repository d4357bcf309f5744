/**
 * Goal: to measure how often the fleet answers as one Meilisearch, and in what it differs.
 * Method: three real nodes behind Miroir and one real node alone hold the same documents and are asked
 * the same random searches. Prints a table by kind of request and the classes of difference.
 *
 *   npx tsc -p tsconfig.json --incremental false --outDir node_modules/.cache/compat
 *   export MIROIR_BUILT=$PWD/node_modules/.cache/compat MEILISEARCH_BIN=/path/to/meilisearch
 *   node $MIROIR_BUILT/test/compat/differential.js --seed 1 --documents 20000 --searches 1000
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findEngine } from '../../local/engines';
import { startFleet } from '../../local/fleet';
import { startNodeProcess } from '../../local/node-process';
import { createSupervisor } from '../../local/supervisor';
import { compareAnswers } from './compare';
import type { CompatAnswer, Verdict } from './compare';
import { makeCorpus } from './corpus';
import type { Corpus } from './corpus';
import { Random } from './random';
import { RequestMaker, settings } from './searches';
import type { CompatRequest } from './searches';

interface Side {
  readonly url: string;
  readonly key: string;
}

const batchSize = 5_000;
const taskDeadlineMs = 600_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      documents: { type: 'string', default: '20000' },
      searches: { type: 'string', default: '1000' },
      report: { type: 'string' },
    },
  });
  const seed = Number(values.seed);
  const corpus = makeCorpus(Number(values.documents), seed);
  say(`seed ${String(seed)}, ${String(corpus.documents.length)} documents (${corpus.source})`);
  const supervisor = createSupervisor();
  const directory = mkdtempSync(join(tmpdir(), 'miroir-compat-'));
  supervisor.removeAtEnd(directory);
  mkdirSync(join(directory, 'nodes'), { recursive: true });
  const engine = await findEngine(process.env, 'auto');
  const fleet = await startFleet({ nodes: 3, replicationFactor: 1, workers: 0 });
  try {
    const context = { supervisor, directory, env: process.env };
    const masterKey = 'compat-single-node-key';
    const node = await startNodeProcess(context, engine, {
      id: 'single',
      group: 0,
      masterKey,
      port: 0,
    });
    const sides: [Side, Side] = [
      { url: node.url, key: masterKey },
      { url: fleet.api, key: fleet.masterKey },
    ];
    await Promise.all(sides.map((side) => load(side, corpus)));
    const random = new Random(seed + 1);
    const maker = new RequestMaker(random, corpus.documents);
    await run(sides, { maker, count: Number(values.searches), report: values.report });
  } finally {
    await fleet.close();
    await supervisor.close();
  }
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function load(side: Side, corpus: Corpus): Promise<void> {
  const { documents } = corpus;
  const indexes = { packages: documents, tools: documents.filter(({ id }) => id % 10 === 0) };
  for (const [uid, all] of Object.entries(indexes)) {
    await write(side, { method: 'POST', path: '/indexes', body: { uid, primaryKey: 'id' } });
    await write(side, { method: 'PATCH', path: `/indexes/${uid}/settings`, body: settings });
    for (let at = 0; at < all.length; at += batchSize) {
      const body = all.slice(at, at + batchSize);
      await write(side, { method: 'POST', path: `/indexes/${uid}/documents`, body });
    }
  }
}

async function write(
  side: Side,
  request: { method: string; path: string; body: unknown },
): Promise<void> {
  const { body } = await send(side, request);
  const uid = String(body['taskUid']);
  const end = Date.now() + taskDeadlineMs;
  for (;;) {
    const task = await send(side, { method: 'GET', path: `/tasks/${uid}` });
    const status = String(task.body['status']);
    if (status === 'succeeded') return;
    if (status !== 'enqueued' && status !== 'processing') {
      throw new Error(`${request.path}: ${JSON.stringify(task.body)}`);
    }
    if (Date.now() > end) throw new Error(`${request.path}: task ${uid} does not end.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function send(
  side: Side,
  request: { method: string; path: string; body?: unknown },
): Promise<CompatAnswer> {
  const answer = await fetch(side.url + request.path, {
    method: request.method,
    headers: { authorization: `Bearer ${side.key}`, 'content-type': 'application/json' },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
    approximate: answer.headers.get('x-miroir-approximate') ?? '',
  };
}

interface Row {
  total: number;
  details: number;
  ids: number;
  totals: number;
  facets: number;
}

async function run(
  [single, fleet]: [Side, Side],
  plan: { maker: RequestMaker; count: number; report: string | undefined },
): Promise<void> {
  const rows = new Map<string, Row>();
  const classes = new Map<string, number>();
  const samples: string[] = [];
  for (let i = 0; i < plan.count; i += 1) {
    const made = plan.maker.request();
    const request = { method: 'POST', path: made.path, body: withDetails(made) };
    const [one, many] = await Promise.all([send(single, request), send(fleet, request)]);
    const verdict = compareAnswers(one, many);
    count(rows, made.kind, verdict);
    if (verdict.difference === null) continue;
    const name = `${made.kind}: ${verdict.difference}`;
    classes.set(name, (classes.get(name) ?? 0) + 1);
    samples.push(JSON.stringify({ name, request, single: one.body, fleet: many.body }));
  }
  print(rows, classes);
  if (plan.report !== undefined) writeFileSync(plan.report, `${samples.join('\n')}\n`);
}

function withDetails({ kind, body }: CompatRequest): Record<string, unknown> {
  const shown = { showRankingScoreDetails: true };
  if (kind !== 'federated') return { ...body, ...shown };
  const queries = (body['queries'] as Record<string, unknown>[]).map((one) => ({
    ...one,
    ...shown,
  }));
  return { ...body, queries };
}

function count(rows: Map<string, Row>, kind: string, verdict: Verdict): void {
  for (const name of [kind, 'all']) {
    const row = rows.get(name) ?? { total: 0, details: 0, ids: 0, totals: 0, facets: 0 };
    rows.set(name, row);
    row.total += 1;
    for (const part of ['details', 'ids', 'totals', 'facets'] as const) {
      row[part] += Number(verdict[part]);
    }
  }
}

function print(rows: ReadonlyMap<string, Row>, classes: ReadonlyMap<string, number>): void {
  say('kind        requests  same details  same ids  same totals  same facets');
  for (const [kind, row] of [...rows].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const share = (part: number): string => `${((100 * part) / row.total).toFixed(2)} %`;
    say(
      kind.padEnd(12) +
        String(row.total).padStart(8) +
        share(row.details).padStart(14) +
        share(row.ids).padStart(10) +
        share(row.totals).padStart(13) +
        share(row.facets).padStart(13),
    );
  }
  for (const [name, times] of [...classes].sort(([, a], [, b]) => b - a)) {
    say(`${String(times).padStart(6)}  ${name}`);
  }
}

main().catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exitCode = 1;
});
