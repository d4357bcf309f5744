/**
 * Goal: each document goes to its shard with its own bytes, and no client forges a hidden field.
 * Method: random documents, compared with what a parser and the hash say; fixed odd ones.
 */
import * as fc from 'fast-check';
import { parseDocuments } from '../../../core/documents/parse';
import { buildPayload, prepareDocuments } from '../../../core/documents/prepare';
import type { PrepareInput, PrepareResult } from '../../../core/documents/types';
import { documentId, inferPrimaryKey } from '../../../core/documents/identity';
import { bucketOfSlot, shardOfId, slotOfId } from '../../../core/hash';
import { encodeBucket, encodeMillis, encodeSeq, encodeSlot } from '../../../core/hidden-fields';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

function prepare(text: string, more: Partial<PrepareInput> = {}): PrepareResult {
  const parsed = parseDocuments(bytesOf(text), 'json');
  return prepareDocuments({ parsed, primaryKey: 'id', shardCount: 64, ttl: false, ...more });
}

function payloadOf(text: string, more: Partial<PrepareInput> = {}): string {
  const result = prepare(text, more);
  if (!result.ok) throw new Error(result.error.message);
  const ordered = result.documents.map((prepared, seq) => ({ prepared, seq }));
  return textOf(buildPayload(ordered, bytesOf(text)));
}

const id = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_-]{1,30}$/),
  fc.maxSafeInteger().filter((value) => !Object.is(value, -0)),
);
const document = fc
  .tuple(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), id)
  .map(([fields, key]) => {
    const kept = Object.entries(fields).filter(([name]) => !/^_(miroir_|vectors$)/.test(name));
    return { ...Object.fromEntries(kept), id: key };
  });

describe('prepareDocuments', () => {
  it('finds every id and its shard, in the order of the payload', () => {
    fc.assert(
      fc.property(fc.array(document), fc.nat(2), (documents, indent) => {
        const result = prepare(JSON.stringify(documents, null, indent));
        if (!result.ok) throw new Error(result.error.message);
        expect(
          result.documents.map(({ id: found, slot, shard }) => ({ found, slot, shard })),
        ).toEqual(
          documents.map((of) => {
            const found = String(of.id);
            return { found, slot: slotOfId(found), shard: shardOfId(found, 64) };
          }),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('takes `1` and `"1"` for one document, and integers beyond doubles as they are', () => {
    const result = prepare(
      '[{"id":1},{"id":"1"},{"id":9007199254740993},{"id":"9007199254740993"}]',
    );
    const documents = result.ok ? result.documents : [];
    expect(documents.map((prepared) => prepared.id)).toEqual([
      '1',
      '1',
      '9007199254740993',
      '9007199254740993',
    ]);
    expect(documents[0]?.slot).toBe(documents[1]?.slot);
    expect(documents[2]?.slot).toBe(documents[3]?.slot);
    expect(documents[2]?.slot).not.toBe(slotOfId('9007199254740992'));
  });

  it('goes by the last of equal names, and by decoded names', () => {
    const result = prepare('[{"id":"d2","\\u0069d":"d3"}]');
    expect(result).toMatchObject({ ok: true, documents: [{ id: 'd3', slot: slotOfId('d3') }] });
  });

  it.each([
    '{"id":1,"_miroir_bucket":"A"}',
    '{"id":1,"\\u005fmiroir_slot":"A"}',
    '{"_miroir_":null,"id":1}',
    '{"id":1,"_miroir_expires_at":1}',
  ])('refuses %s at once, because the name is reserved', (text) => {
    const result = prepare(`[{"x":1},${text}]`);
    expect(result).toMatchObject({
      ok: false,
      error: { code: 'miroir_reserved_field', sync: true },
    });
  });

  it('leaves reserved names alone inside of fields', () => {
    expect(prepare('[{"id":1,"a":{"_miroir_bucket":1}}]').ok).toBe(true);
  });

  it('takes a time to live where the index has one, in whole milliseconds', () => {
    const expiry = (value: string): PrepareResult =>
      prepare(`[{"id":1,"_miroir_expires_at":${value}}]`, { ttl: true });
    expect(expiry('1763953200123')).toMatchObject({
      documents: [{ expiresAt: 1_763_953_200_123 }],
    });
    expect(expiry('0')).toMatchObject({ documents: [{ expiresAt: 0 }] });
    const none = expiry('null');
    // `null` is a wish of its own: a default of the index does not count for it.
    expect(none).toMatchObject({ documents: [{ expiresAt: null }] });
    for (const value of ['-1', '1.5', '1e3', '"soon"', '99999999999999999999', '[1]', 'true']) {
      expect(expiry(value)).toMatchObject({ ok: false, error: { code: 'miroir_reserved_field' } });
    }
  });

  it('tells what is wrong with an id before what is wrong inside of documents', () => {
    const result = prepare('[{"id":1,"a":"\\ud800"},{"id":"a b"}]', { indexUid: 'films' });
    expect(result).toMatchObject({ error: { code: 'invalid_document_id' } });
    const late = prepare('[{"id":1,"a":1e999}]', { indexUid: 'films' });
    expect(late).toMatchObject({
      error: {
        code: 'malformed_payload',
        message:
          'Index `films`: The field "a" of the document with the id: `"1"` cannot be stored: ' +
          'number out of range at line 1 column 5.',
      },
    });
  });

  it('refuses more fields than a document may have', () => {
    const fields = Array.from({ length: 65_535 }, (_, n) => `"f${String(n)}":0`).join(',');
    expect(prepare(`[{"id":1,${fields}}]`)).toMatchObject({
      error: { code: 'max_fields_limit_exceeded' },
    });
  });
});

describe('buildPayload', () => {
  it('P6: keeps the bytes of every document and puts the hidden fields last', () => {
    const odd = '{"id":1, "n":1.10,"big":12345678901234567890,"e":"\\u00e9\\/" ,"a":1,"a":2 }';
    const slot = slotOfId('1');
    const hidden =
      `"_miroir_bucket":"${encodeBucket(bucketOfSlot(slot))}",` +
      `"_miroir_slot":"${encodeSlot(slot)}","_miroir_seq":"${encodeSeq(0)}"`;
    expect(payloadOf(`[ ${odd} ]`)).toBe(`[${odd.slice(0, -1)},${hidden}}]`);
  });

  it('adds to random documents just the hidden fields', () => {
    fc.assert(
      fc.property(fc.array(document), fc.nat(2), (documents, indent) => {
        const built = JSON.parse(payloadOf(JSON.stringify(documents, null, indent))) as unknown;
        const expected = documents.map((of, seq) => {
          const slot = slotOfId(String(of.id));
          const hidden = { _miroir_slot: encodeSlot(slot), _miroir_seq: encodeSeq(seq) };
          return { ...of, ...hidden, _miroir_bucket: encodeBucket(bucketOfSlot(slot)) };
        });
        expect(built).toEqual(JSON.parse(JSON.stringify(expected)));
      }),
      { numRuns: 500 },
    );
  });

  it('lets the code of the time to live stand after the number that the client wrote', () => {
    const text = payloadOf('[{"_miroir_expires_at":5,"id":1}]', { ttl: true });
    expect(JSON.parse(text)).toMatchObject([{ _miroir_expires_at: encodeMillis(5) }]);
  });

  it('makes an empty list of nothing', () => {
    expect(payloadOf('[]')).toBe('[]');
  });
});

describe('documentId and inferPrimaryKey', () => {
  it('read one value, and the names of one document', () => {
    expect(documentId(bytesOf('"a-B_9"'))).toEqual({ ok: true, id: 'a-B_9' });
    expect(documentId(bytesOf('-17'))).toEqual({ ok: true, id: '-17' });
    expect(documentId(bytesOf('1.0'))).toMatchObject({ ok: false });
    expect(inferPrimaryKey(['title', 'bookId'])).toEqual({ ok: true, key: 'bookId' });
    expect(inferPrimaryKey(['ID', 'ID'])).toEqual({ ok: true, key: 'ID' });
    expect(inferPrimaryKey(['idx'])).toMatchObject({
      code: 'index_primary_key_no_candidate_found',
    });
  });
});
