/**
 * Goal: equal documents have equal digests whatever their order of members, others differ. Method:
 * random documents, shuffled, respaced and changed.
 */
import * as fc from 'fast-check';
import { combineDigests, digestDocument } from '../../core/digest';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const digest = (text: string): string => digestDocument(bytesOf(text));
const object = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue());

describe('digestDocument', () => {
  it('does not depend on the order of members, nor on blanks', () => {
    fc.assert(
      fc.property(object, fc.nat(4), (value, indent) => {
        // Names that are whole numbers cannot be put in another order in JavaScript.
        const reversed = Object.entries(value).reverse();
        const members = reversed.map(([key, member]) => {
          return `${JSON.stringify(key)}: ${JSON.stringify(member, null, indent)}`;
        });
        expect(digest(`{ ${members.join(' ,\n')} }`)).toBe(digest(JSON.stringify(value)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('tells any two different documents apart', () => {
    fc.assert(
      fc.property(object, object, (a, b) => {
        fc.pre(digestKey(a) !== digestKey(b));
        expect(digest(JSON.stringify(a))).not.toBe(digest(JSON.stringify(b)));
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['{"a":1}', '{"a":1.0}'],
    ['{"a":9007199254740993}', '{"a":9007199254740992}'],
    ['{"a":"x y"}', '{"a":"xy"}'],
    ['{"a":"1"}', '{"a":1}'],
    ['{"a":"\\" "}', '{"a":"\\""}'],
    ['{"a":1,"b":2}', '{"a":2,"b":1}'],
    ['{}', '{"a":null}'],
    ['{"a":1,"_miroir_seq":"x"}', '{"a":1,"_miroir_seq":"y"}'],
  ])('tells %s from %s', (a, b) => {
    expect(digest(a)).not.toBe(digest(b));
  });

  it('decodes names, and lets the last of equal names count', () => {
    expect(digest('{"\\u0061":1}')).toBe(digest('{"a":1}'));
    expect(digest('{"a":2,"a":1}')).toBe(digest('{"a":1}'));
  });

  it('stays the same for ever', () => {
    expect(digest('{"id":1,"title":"é","n":[1, 2.50]}')).toMatchInlineSnapshot(
      `"0476bd3f48be9edd"`,
    );
  });
});

/** Members sorted by name, as text: equal exactly for equal documents. */
function digestKey(value: Record<string, unknown>): string {
  return JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe('combineDigests', () => {
  const documents = fc.uniqueArray(
    fc.record({ id: fc.string(), digest: fc.stringMatching(/^[0-9a-f]{16}$/) }),
    { selector: ({ id }) => id, maxLength: 30 },
  );

  it('does not depend on the order', () => {
    fc.assert(
      fc.property(documents, (list) => {
        expect(combineDigests([...list].reverse())).toEqual(combineDigests(list));
        expect(combineDigests(list).count).toBe(list.length);
      }),
    );
  });

  it('sees a missing, an added, a changed and a swapped document', () => {
    fc.assert(
      fc.property(documents, (list) => {
        fc.pre(list.length >= 2);
        const [first, second, ...rest] = list as [(typeof list)[0], (typeof list)[0]];
        fc.pre(first.digest !== second.digest);
        const whole = combineDigests(list).digest;
        const others = [
          [second, ...rest],
          [...list, { id: `${first.id}+${second.id}`, digest: first.digest }],
          [
            { ...first, digest: '0000000000000001' },
            { ...second, digest: '0000000000000002' },
          ],
          [{ ...first, digest: second.digest }, { ...second, digest: first.digest }, ...rest],
        ];
        for (const other of others) {
          expect(combineDigests(other).digest).not.toBe(whole);
        }
      }),
    );
  });

  it('adds as 64-bit numbers do', () => {
    const list = Array.from({ length: 1_000 }, (_, n) => {
      return { id: String(n), digest: digest(`{"n":${String(n)}}`) };
    });
    const halves = [list.slice(0, 317), list.slice(317)].map((half) => combineDigests(half).digest);
    const sum =
      halves.reduce((total, half) => total + BigInt(`0x${half}`), 0n) & ((1n << 64n) - 1n);
    expect(BigInt(`0x${combineDigests(list).digest}`)).toBe(sum);
    expect(combineDigests([])).toEqual({ count: 0, digest: '0000000000000000' });
  });
});
