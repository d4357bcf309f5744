import { Pool } from 'undici';
import { percentile } from '../spread';
import { benchQuery } from './canned-answers';

export interface LoadOptions {
  readonly requests: number;
  /** How many are under way at any time. */
  readonly concurrency: number;
  readonly key: string;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** No answer of loopback takes so long; a server that hangs must end the run, not stop it. */
const answerMsMax = 10_000;

/**
 * Sends a fixed number of searches, so many at a time, each loop its next one when the last one was
 * read to its end. Throws at the first answer that is not 200.
 */
export async function load(url: string, options: LoadOptions): Promise<LoadResult> {
  const pool = openPool(url, options.concurrency);
  const latencies: number[] = [];
  let left = options.requests;
  const loop = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const sent = performance.now();
      await search(pool, options.key);
      latencies.push(performance.now() - sent);
    }
  };
  const started = performance.now();
  try {
    await Promise.all(Array.from({ length: options.concurrency }, loop));
  } finally {
    await pool.destroy();
  }
  const seconds = (performance.now() - started) / 1_000;
  return {
    perSecond: options.requests / seconds,
    p50Ms: percentile(latencies, 50),
    p99Ms: percentile(latencies, 99),
  };
}

/** One search; the bytes of its answer. */
export async function searchOnce(url: string, key: string): Promise<Buffer> {
  const pool = openPool(url, 1);
  try {
    return Buffer.from(await search(pool, key));
  } finally {
    await pool.destroy();
  }
}

const body = JSON.stringify(benchQuery);

async function search(pool: Pool, key: string): Promise<ArrayBuffer> {
  const answer = await pool.request({
    method: 'POST',
    path: '/indexes/films/search',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body,
  });
  const bytes = await answer.body.arrayBuffer();
  if (answer.statusCode === 200) return bytes;
  throw new Error(`A search got ${String(answer.statusCode)}: ${Buffer.from(bytes).toString()}`);
}

function openPool(url: string, connections: number): Pool {
  const timeouts = { headersTimeout: answerMsMax, bodyTimeout: answerMsMax };
  return new Pool(url, { connections, pipelining: 1, ...timeouts });
}
