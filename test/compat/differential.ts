/**
 * Goal: to measure how often the fleet answers as one Meilisearch, and in what it differs.
 * Method: three real nodes behind Miroir and one real node alone hold the same documents and are asked
 * the same random requests. Prints a table by kind of request, the causes and the classes of difference;
 * ends with 1 when too many differ. `--report` writes every difference with its request and both answers.
 *
 *   npx tsc -p tsconfig.json --incremental false --outDir node_modules/.cache/compat
 *   export MIROIR_BUILT=$PWD/node_modules/.cache/compat MEILISEARCH_BIN=/path/to/meilisearch
 *   node $MIROIR_BUILT/test/compat/differential.js --seed 1 --documents 20000 --searches 2000
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findEngine } from '../../local/engines';
import { startFleet } from '../../local/fleet';
import { startNodeProcess } from '../../local/node-process';
import { createSupervisor } from '../../local/supervisor';
import type { CompatAnswer } from './compare';
import { makeCorpus } from './corpus';
import type { Corpus } from './corpus';
import { runDifferential, shareOf, tableOf } from './differential-run';
import type { Ask, Part } from './differential-run';
import { Random } from './random';
import { RequestMaker, settings } from './searches';

interface Side {
  readonly url: string;
  readonly key: string;
}

const batchSize = 5_000;
const taskDeadlineMs = 600_000;
/** The shares of requests that must be answered as by one node. */
const demanded: Readonly<Record<Part, number>> = {
  details: 0.985,
  ids: 0.98,
  totals: 0.99,
  facets: 0.99,
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      documents: { type: 'string', default: '20000' },
      searches: { type: 'string', default: '2000' },
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
    const asks = sides.map((side) => (request: Request) => send(side, request));
    const outcome = await runDifferential(asks as [Ask, Ask], {
      maker,
      count: Number(values.searches),
    });
    say(tableOf(outcome));
    if (values.report !== undefined)
      writeFileSync(values.report, `${outcome.samples.join('\n')}\n`);
    for (const [part, least] of Object.entries(demanded)) {
      const share = shareOf(outcome, part as Part);
      if (share >= least) continue;
      say(`FAILED: ${part} are alike in ${String(share)}, demanded are ${String(least)}`);
      process.exitCode = 1;
    }
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

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

async function send(side: Side, request: Request): Promise<CompatAnswer> {
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

main().catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exitCode = 1;
});
