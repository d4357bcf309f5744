import { withOwnRedis } from '../own-redis';
import { row } from '../row';
import type { Measured, Row } from '../row';
import { sizeOf } from '../workload';
import type { Size } from '../workload';
import { benchQuery } from './canned-answers';
import { load, searchOnce } from './load';
import type { LoadResult } from './load';
import { withStage } from './stage';
import type { Stage } from './stage';

type Target = 'api' | 'relay' | 'concat' | 'nodes';
const targets: readonly Target[] = ['api', 'relay', 'concat', 'nodes'];

/** One run of one target. */
interface Sample extends LoadResult {
  /** Processor time of the target's process for one search. */
  readonly cpuMs: number;
}

type Samples = Readonly<Record<Target, Sample[]>>;

/**
 * The same searches through Miroir's api and through two bare relays, all before the same three canned
 * nodes, by turns within one run. All processes are started anew after some runs: the
 * cost of one and the same server was seen to differ from start to start by more than from run to run.
 */
export async function benchApi(size: Size, runs: number): Promise<Row[]> {
  const shards = sizeOf(size, 'shards');
  const samples: Samples = { api: [], relay: [], concat: [], nodes: [] };
  for (let run = 0; run < runs; run += sizeOf(size, 'runsPerStart')) {
    const wanted = Math.min(sizeOf(size, 'runsPerStart'), runs - run);
    await withOwnRedis((redisUrl) =>
      withStage({ redisUrl, shards }, (stage) => measure(stage, size, { runs: wanted, samples })),
    );
  }
  return [...rowsAgainst(samples, 'relay'), ...rowsAgainst(samples, 'concat'), ceiling(samples)];
}

async function measure(
  stage: Stage,
  size: Size,
  { runs, samples }: { runs: number; samples: Samples },
): Promise<void> {
  const concurrency = sizeOf(size, 'concurrency');
  const requests = sizeOf(size, 'requestsPerRun');
  await demandAnswers(stage);
  for (const target of targets) {
    await sample(stage, target, { requests: sizeOf(size, 'warmUp'), concurrency });
  }
  for (let run = 0; run < runs; run += 1) {
    const first = run % targets.length;
    // Another one begins each time: whoever runs first or last may get a quieter machine.
    for (const target of [...targets.slice(first), ...targets.slice(0, first)]) {
      samples[target].push(await sample(stage, target, { requests, concurrency }));
    }
  }
}

async function sample(
  stage: Stage,
  target: Target,
  options: { requests: number; concurrency: number },
): Promise<Sample> {
  const child = stage[target];
  const before = await child.cpuMs();
  const result = await load(urlOf(stage, target), { ...options, key: stage.key });
  const cpuMs = ((await child.cpuMs()) - before) / options.requests;
  return { ...result, cpuMs };
}

function urlOf(stage: Stage, target: Target): string {
  const [url] = stage[target].urls;
  if (url === undefined) throw new Error(`The ${target} child listens nowhere.`);
  return url;
}

/** A fast wrong answer would be the best figure of all, so one of each is looked at before. */
async function demandAnswers(stage: Stage): Promise<void> {
  for (const target of ['api', 'relay'] as const) {
    const text = (await searchOnce(urlOf(stage, target), stage.key)).toString('utf8');
    const { hits } = JSON.parse(text) as { hits: readonly object[] };
    if (hits.length !== benchQuery.limit || /_miroir_|_rankingScoreDetails/.test(text)) {
      throw new Error(`The ${target} answered ${String(hits.length)} hits: ${text.slice(0, 300)}`);
    }
  }
}

const about = {
  relay: 'bare relay with merge by score',
  concat: 'bare relay without merge',
} as const;

function rowsAgainst(samples: Samples, other: 'relay' | 'concat'): Row[] {
  const of = (
    name: string,
    value: (sample: Sample) => number,
    rest: Pick<Measured, 'unit' | 'better'>,
  ): Row =>
    row({
      name: `api.${name}/${other}`,
      against: about[other],
      ...rest,
      ours: samples.api.map(value),
      theirs: samples[other].map(value),
    });
  return [
    of('searches', ({ perSecond }) => perSecond, { unit: 'searches/s', better: 'higher' }),
    of('p50', ({ p50Ms }) => p50Ms, { unit: 'ms', better: 'lower' }),
    of('p99', ({ p99Ms }) => p99Ms, { unit: 'ms', better: 'lower' }),
    of('cpu', ({ cpuMs }) => cpuMs, { unit: 'cpu-ms/search', better: 'lower' }),
  ];
}

/** One node without anything before it: what the loop that makes the load can measure at most. */
function ceiling(samples: Samples): Row {
  return row({
    name: 'api.searches/node',
    unit: 'searches/s',
    better: 'higher',
    against: 'one canned node, asked directly',
    ours: samples.api.map(({ perSecond }) => perSecond),
    theirs: samples.nodes.map(({ perSecond }) => perSecond),
  });
}
