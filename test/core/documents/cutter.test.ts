/**
 * Goal: a payload that is read piece by piece gives the same documents and the same errors as one that is
 * read whole.
 * Method: the odd payloads recorded on a real engine, and random ones from a printed seed, are cut at
 * random places; documents, or the text of the refusal, must be those of the whole payload.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PayloadCutter } from '../../../core/documents/cutter';
import { PayloadError, parseDocuments } from '../../../core/documents/parse';
import type { DocumentFormat, ParsedDocuments } from '../../../core/documents/types';
import { Random } from '../../compat/random';

const seed = Number(process.env['MIROIR_TEST_SEED'] ?? 90_210);
process.stdout.write(`seed ${String(seed)}\n`);
const random = new Random(seed);

interface Payload {
  readonly format: DocumentFormat;
  readonly body?: string;
  readonly bodyBase64?: string;
  readonly csvDelimiter?: string;
}

const recorded = readFileSync(join(__dirname, '..', 'golden', 'payloads.ndjson'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Payload);

const bytesOf = ({ body, bodyBase64 }: Payload): Buffer =>
  bodyBase64 === undefined ? Buffer.from(body ?? '') : Buffer.from(bodyBase64, 'base64');

const textsOf = ({ documents, bytes }: ParsedDocuments): string[] =>
  documents.map(({ start, end }) => Buffer.from(bytes.subarray(start, end)).toString('latin1'));

function outcome(work: () => string[]): string[] | string {
  try {
    return work();
  } catch (error) {
    if (error instanceof PayloadError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

function whole(payload: Payload): string[] | string {
  const { csvDelimiter } = payload;
  const options = csvDelimiter === undefined ? {} : { csvDelimiter };
  return outcome(() => textsOf(parseDocuments(bytesOf(payload), payload.format, options)));
}

function cut(payload: Payload, pieceMax: number): string[] | string {
  const bytes = bytesOf(payload);
  return outcome(() => {
    const cutter = new PayloadCutter(payload.format, payload.csvDelimiter);
    const texts: string[] = [];
    let at = 0;
    do {
      const end = Math.min(bytes.length, at + 1 + random.int(pieceMax));
      const piece = cutter.push(bytes.subarray(at, end), end === bytes.length);
      if (piece !== null) texts.push(...textsOf(piece));
      at = end;
    } while (at < bytes.length);
    return texts;
  });
}

test.each([1, 3, 40, 700])('recorded payloads in pieces of up to %d bytes', (pieceMax) => {
  expect(recorded.length).toBeGreaterThan(400);
  for (const payload of recorded) {
    expect({ payload, outcome: cut(payload, pieceMax) }).toEqual({
      payload,
      outcome: whole(payload),
    });
  }
});

const values = ['1', '-2.50', '1e3', 'true', 'null', '"a\\"b{[\\u00e9"', '[1,[2]]', '{"x":"}"}'];
const faults = ['', '', '', ',', '}', ']', '"', '\\', 'x', '{', '\u0001'];

function randomJson(format: 'json' | 'ndjson'): Payload {
  const documents = Array.from({ length: 1 + random.int(30) }, (_, id) => {
    const blank = random.pick(['', ' ', '\n', '\t']);
    return `{"id":${String(id)},${blank}"v":${blank}${random.pick(values)}}`;
  });
  const text = format === 'json' ? `[${documents.join(',\n')}]` : documents.join('\n');
  const at = random.int(text.length);
  return { format, body: text.slice(0, at) + random.pick(faults) + text.slice(at) };
}

function randomCsv(): Payload {
  const cells = ['a', '"b,c"', '"d ""e"" f"', '"two\nlines"', '', '12', '"open'];
  const lines = Array.from({ length: 1 + random.int(30) }, (_, id) => {
    const row = [String(id), random.pick(cells.slice(0, random.chance(0.02) ? 7 : 6)), '3'];
    return row.slice(0, random.chance(0.01) ? 2 : 3).join(',');
  });
  const text = `id,text,n:number${random.pick(['\n', '\r\n'])}${lines.join(random.pick(['\n', '\r\n', '\n\n']))}`;
  return { format: 'csv', body: (random.chance(0.2) ? '\ufeff' : '') + text };
}

test('random payloads, some of them broken', () => {
  let refused = 0;
  for (let i = 0; i < 1_500; i += 1) {
    const payload = i % 3 === 0 ? randomCsv() : randomJson(i % 3 === 1 ? 'json' : 'ndjson');
    const expected = whole(payload);
    if (typeof expected === 'string') refused += 1;
    expect({ payload, outcome: cut(payload, 1 + random.int(200)) }).toEqual({
      payload,
      outcome: expected,
    });
  }
  expect(refused).toBeGreaterThan(200);
});
