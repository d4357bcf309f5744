/**
 * Goal: every code has one status and type, and the reference page lists just the codes there are.
 * Method: the table and docs/reference/errors.md are walked in both directions; the errors in the
 * recordings of a real Meilisearch are held against the table.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonValue } from '../../core/fleet';
import {
  MeiliError,
  errorCodes,
  errorKind,
  isErrorCode,
  isMeiliError,
  miroirCodes,
} from '../../core/errors';

const root = join(__dirname, '../..');
const page = readFileSync(join(root, 'docs/reference/errors.md'), 'utf8');

/** Rows of the page: code, status, type. */
const rows = [...page.matchAll(/^\| `(\w+)`\s+\| (\d+)\s+\| (\w+)\s+\|/gm)].map(
  ([, code, status, type]) => ({
    code: code ?? '',
    status: Number(status),
    type,
  }),
);

describe('the table of errors', () => {
  it('is on the page, each code once, with its status and type', () => {
    const listed = new Map(rows.map((row) => [row.code, row]));
    expect(rows).toHaveLength(errorCodes.length);
    for (const code of errorCodes) expect(listed.get(code)).toEqual({ code, ...pick(code) });
  });

  it('has every code of the page', () => {
    expect(rows.filter(({ code }) => !isErrorCode(code))).toEqual([]);
  });

  it('explains each of its own codes on the page', () => {
    for (const [code, { meaning }] of Object.entries(miroirCodes)) {
      const row = page.split('\n').find((line) => line.startsWith(`| \`${code}\` `));
      expect(row).toContain(meaning);
    }
  });

  it('has the 288 codes of Meilisearch and those of Miroir', () => {
    expect(errorCodes).toHaveLength(288 + Object.keys(miroirCodes).length);
  });

  it('agrees with every error a real Meilisearch was recorded with', () => {
    const lines = readFileSync(join(root, 'test/recordings/api.ndjson'), 'utf8').trim().split('\n');
    const answers = lines.map(
      (line) =>
        JSON.parse(line) as {
          request: { path: string };
          response: { status: number; body: { [name: string]: JsonValue } | null };
        },
    );
    const errors = answers.filter(({ response }) => typeof response.body?.['code'] === 'string');
    expect(errors.length).toBeGreaterThan(80);
    for (const { request, response } of errors) {
      const { code, type, link, message } = response.body ?? {};
      if (!isErrorCode(String(code))) throw new Error(`unknown code ${String(code)}`);
      const error = new MeiliError(code as (typeof errorCodes)[number], String(message));
      expect(error.toBody()).toEqual({ message, code, type, link });
      // A missing index inside /multi-search is 400 there.
      if (!request.path.startsWith('/multi-search')) expect(error.status).toBe(response.status);
    }
  });
});

function pick(code: (typeof errorCodes)[number]): { status: number; type: string } {
  const { status, type } = errorKind(code);
  return { status, type };
}

describe('an error', () => {
  it('is known by its code and shape, not by its class', () => {
    expect(isMeiliError(new MeiliError('miroir_no_quorum', 'x'))).toBe(true);
    expect(isMeiliError({ code: 'miroir_no_quorum', toBody: () => ({}) })).toBe(true);
    expect(isMeiliError(new Error('x'))).toBe(false);
    expect(isMeiliError({ code: 'no_such_code', toBody: () => ({}) })).toBe(false);
  });

  it('can be given a prefix and another status', () => {
    const error = new MeiliError('index_not_found', 'Index `x` not found.').prefixed(
      'Inside `.queries[0]`: ',
      400,
    );
    expect(error).toMatchObject({
      status: 400,
      message: 'Inside `.queries[0]`: Index `x` not found.',
    });
  });
});
