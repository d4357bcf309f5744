/**
 * Goal: payloads are taken and refused as one Meilisearch 1.50 does, with the same texts. Method:
 * a list of odd payloads with the answers of a real one, and the exchanges of the shared recordings.
 * Where the real one answers `internal`, or 500, any clear refusal counts as equal.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PayloadError, parseDocuments } from '../../../core/documents/parse';
import { prepareDocuments } from '../../../core/documents/prepare';
import { findMember, scanObject } from '../../../core/json/scan';
import { inferPrimaryKey } from '../../../core/documents/identity';
import type { DocumentFormat, ParsedDocuments } from '../../../core/documents/types';

interface Golden {
  readonly format: DocumentFormat;
  readonly index: string;
  readonly primaryKey: string;
  readonly csvDelimiter?: string;
  readonly body?: string;
  readonly bodyBase64?: string;
  readonly answer: 'task' | number;
  readonly code?: string;
  readonly message?: string;
  readonly documents?: readonly Record<string, unknown>[];
}

interface Outcome {
  readonly answer: 'task' | number;
  readonly code?: string;
  readonly message?: string;
}

const goldenLines = readFileSync(join(__dirname, '..', 'golden', 'payloads.ndjson'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Golden);

const embeddersOf = new Map([['vec', new Map([['e', 3]])]]);

function bodyOf({ body, bodyBase64 }: Golden): Uint8Array {
  return bodyBase64 === undefined
    ? new TextEncoder().encode(body)
    : new Uint8Array(Buffer.from(bodyBase64, 'base64'));
}

function parse(golden: Golden): ParsedDocuments {
  const { csvDelimiter } = golden;
  const options = csvDelimiter === undefined ? {} : { csvDelimiter };
  return parseDocuments(bodyOf(golden), golden.format, options);
}

function outcomeOf(golden: Golden): Outcome {
  let parsed: ParsedDocuments;
  try {
    parsed = parse(golden);
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    return { answer: 400, code: error.code, message: error.message };
  }
  const result = prepareDocuments({
    parsed,
    primaryKey: golden.primaryKey,
    shardCount: 8,
    ttl: false,
    indexUid: golden.index === 'plain' ? 'plain' : golden.index,
    geo: golden.index === 'geo',
    embedders: embeddersOf.get(golden.index) ?? new Map(),
  });
  if (result.ok) return { answer: 'task' };
  return { answer: 'task', code: result.error.code, message: result.error.message };
}

describe('payloads that a real Meilisearch was given', () => {
  const named = goldenLines.map((golden) => {
    const shown = (golden.body ?? golden.bodyBase64 ?? '').slice(0, 60);
    return { title: `${golden.format} ${golden.index} ${JSON.stringify(shown)}`, golden };
  });

  it.each(named)('$title', ({ golden }) => {
    const { answer, code, message } = golden;
    const outcome = outcomeOf(golden);
    // Whether a stored document has vectors already is known to its node only.
    if (code === undefined || code === 'vector_embedding_error')
      expect(outcome).toEqual({ answer });
    else if (code === 'internal') expect(outcome.code).toMatch(/^malformed_payload$|^invalid_/);
    else expect(outcome).toEqual({ answer, code, message });
  });

  it('reads from CSV the documents that the real one stored', () => {
    for (const golden of goldenLines.filter(({ documents }) => documents !== undefined)) {
      const parsed = parse(golden);
      const ours = parsed.documents.map(({ start, end }) => {
        const text = Buffer.from(parsed.bytes.subarray(start, end)).toString('utf8');
        return JSON.parse(text) as Record<string, unknown>;
      });
      const last = new Map(ours.map((document) => [String(document.id), document]));
      expect([...last.values()]).toEqual(golden.documents);
    }
  });
});

interface Exchange {
  readonly group: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers?: Record<string, string>;
    readonly body?: unknown;
    readonly bodyBase64?: string;
  };
  /** The body as it stands in the file: reading `1.0` as a number would lose its point. */
  readonly rawBody: Uint8Array;
  readonly response: {
    readonly status: number;
    readonly body: { code?: string; message?: string };
  };
  readonly task?: {
    readonly status: string;
    readonly error: { readonly code: string; readonly message: string } | null;
  };
}

const formats: Record<string, DocumentFormat> = {
  'application/json': 'json',
  'application/x-ndjson': 'ndjson',
  'text/csv': 'csv',
};

/** Codes that are decided elsewhere: by headers, parameters, the index's name and its primary key. */
const decidedElsewhere = new Set([
  'invalid_content_type',
  'invalid_index_uid',
  'bad_request',
  'index_primary_key_already_exists',
  'invalid_document_csv_delimiter',
]);

const exchanges = readFileSync(join(__dirname, '../../recordings/api.ndjson'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => ({ ...(JSON.parse(line) as Exchange), rawBody: rawBodyOf(line) }))
  .filter(({ group, request, response, task }) => {
    if (group !== 'documents.write' && group !== 'odd-documents') return false;
    if (!/^(POST|PUT)$/.test(request.method) || !request.path.includes('/documents')) return false;
    return !decidedElsewhere.has(task?.error?.code ?? response.body.code ?? '');
  });

function rawBodyOf(line: string): Uint8Array {
  const bytes = new TextEncoder().encode(line);
  const request = findMember(bytes, 0, 'request');
  const body = request && findMember(bytes, request.start, 'body');
  return body === null ? new Uint8Array() : bytes.subarray(body.start, body.end);
}

function requestBytes({ request, rawBody }: Exchange): Uint8Array {
  const { body, bodyBase64 } = request;
  if (bodyBase64 !== undefined) return new Uint8Array(Buffer.from(bodyBase64, 'base64'));
  return typeof body === 'string' ? new TextEncoder().encode(body) : rawBody;
}

function replay(exchange: Exchange): Outcome {
  const { request } = exchange;
  const url = new URL(request.path, 'http://x');
  const type = request.headers?.['Content-Type'] ?? 'application/json';
  const format = formats[type.split(';')[0] ?? ''] ?? 'json';
  const csvDelimiter = url.searchParams.get('csvDelimiter') ?? ',';
  const indexUid = url.pathname.split('/')[2] ?? '';
  let parsed: ParsedDocuments;
  try {
    parsed = parseDocuments(requestBytes(exchange), format, { csvDelimiter });
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    return { answer: 400, code: error.code, message: error.message };
  }
  const keys: string[] = [];
  const first = parsed.documents[0];
  if (first !== undefined) scanObject(parsed.bytes, first.start, (key) => keys.push(key));
  const inferred = inferPrimaryKey(keys);
  const given = url.searchParams.get('primaryKey');
  const primaryKey = given ?? (/^infer/.test(indexUid) && inferred.ok ? inferred.key : 'id');
  if (given === null && /^infer/.test(indexUid) && !inferred.ok) {
    return { answer: 'task', code: inferred.code, message: inferred.message };
  }
  const result = prepareDocuments({ parsed, primaryKey, shardCount: 64, ttl: false, indexUid });
  if (result.ok) return { answer: 'task' };
  return { answer: 'task', code: result.error.code, message: result.error.message };
}

describe('recorded writes', () => {
  it('are many', () => {
    expect(exchanges.length).toBeGreaterThan(60);
  });

  it.each(exchanges.map((exchange, index) => ({ index, path: exchange.request.path, exchange })))(
    '$index $path',
    ({ exchange }) => {
      const { response, task } = exchange;
      const error = task === undefined ? response.body : task.error;
      const outcome = replay(exchange);
      if (error?.code === 'internal') {
        expect(outcome.code).toMatch(/^malformed_payload$|^invalid_/);
      } else if (error === null) {
        expect(outcome).toEqual({ answer: 'task' });
      } else {
        const { code, message } = error;
        expect(outcome).toEqual({
          answer: task === undefined ? response.status : 'task',
          code,
          message,
        });
      }
    },
  );
});
