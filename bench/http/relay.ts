import { Pool } from 'undici';
import { listen, sendJson } from './listen';

interface Hit {
  readonly [member: string]: unknown;
  readonly _rankingScore: number;
}

interface Answer {
  readonly hits: readonly Hit[];
  readonly query: string;
  readonly estimatedTotalHits: number;
}

/**
 * The least that a program can do that stands before three nodes, as a yardstick: no routing, no
 * health, no keys, no checks, no errors. With `merge` it gives one list, by a score that does not
 * compare across nodes; without, the three answers one after another as they came.
 */
export async function startRelay(nodes: readonly string[], merge: boolean): Promise<string> {
  const pools = nodes.map((url) => new Pool(url, { connections: 64, pipelining: 1 }));
  return listen((request, body, response) => {
    askAll(pools, request.url ?? '/', body).then(
      (answers) => sendJson(response, 200, merge ? [merged(answers, body)] : listed(answers)),
      (error: unknown) => sendJson(response, 502, [Buffer.from(String(error))]),
    );
  });
}

function askAll(pools: readonly Pool[], path: string, body: Buffer): Promise<Buffer[]> {
  const headers = { 'content-type': 'application/json' };
  return Promise.all(
    pools.map(async (pool) => {
      const answer = await pool.request({ method: 'POST', path, headers, body });
      return Buffer.from(await answer.body.arrayBuffer());
    }),
  );
}

/** What clients are shown has neither hidden fields nor details, so the relay leaves them out, too. */
function merged(answers: readonly Buffer[], body: Buffer): Buffer {
  const { limit = 20 } = JSON.parse(body.toString('utf8')) as { limit?: number };
  const parsed = answers.map((bytes) => JSON.parse(bytes.toString('utf8')) as Answer);
  const hits = parsed
    .flatMap((answer) => answer.hits)
    .sort((a, b) => b._rankingScore - a._rankingScore)
    .slice(0, limit)
    .map(shown);
  const estimatedTotalHits = parsed.reduce((sum, answer) => sum + answer.estimatedTotalHits, 0);
  const query = parsed[0]?.query ?? '';
  return Buffer.from(
    JSON.stringify({ hits, query, processingTimeMs: 1, limit, offset: 0, estimatedTotalHits }),
  );
}

function shown(hit: Hit): object {
  const { _miroir_bucket, _miroir_slot, _miroir_seq, _rankingScoreDetails, ...rest } = hit;
  return rest;
}

const around = {
  open: Buffer.from('{"results":['),
  comma: Buffer.from(','),
  close: Buffer.from(']}'),
};

/** The answers as they came, not even copied into one buffer. */
function listed(answers: readonly Buffer[]): Buffer[] {
  const pieces = answers.flatMap((bytes, at) => (at === 0 ? [bytes] : [around.comma, bytes]));
  return [around.open, ...pieces, around.close];
}
