/**
 * Goal: members come out of and go into documents while all other bytes stay as they are. Method:
 * random objects, compared with the same done on parsed values, and fixed hits.
 */
import * as fc from 'fast-check';
import { encodeMillis } from '../../../core/hidden-fields';
import { appendMembers, removeMembers, stripHiddenMembers } from '../../../core/json/members';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

function removed(text: string, names: readonly string[]): string {
  const inside = bytesOf(`#${text}#`);
  return textOf(removeMembers(inside, 1, inside.length - 1, (key) => names.includes(key)));
}

const name = fc.constantFrom<string>('a', 'b', 'c', 'd', 'é');
const names = fc.array(name, { maxLength: 5 });

describe('removeMembers', () => {
  it('leaves what a parsed object without these members would have', () => {
    const object = fc.dictionary(name, fc.jsonValue());
    fc.assert(
      fc.property(object, names, fc.nat(3), (value, gone, indent) => {
        const kept = Object.entries(value).filter(([key]) => !gone.includes(key));
        const text = removed(JSON.stringify(value, null, indent), gone);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(Object.fromEntries(kept))));
      }),
      { numRuns: 2_000 },
    );
  });

  it('removes every one of equal names, also when written with escapes', () => {
    expect(removed('{"a":1,"\\u0061":2,"b":3,"a":4}', ['a'])).toBe('{"b":3}');
    expect(removed('{"b":3,"a":1,"a":2}', ['a'])).toBe('{"b":3}');
    expect(removed('{ "a" : 1 }', ['a'])).toBe('{  }');
  });

  it('keeps the bytes of numbers and escapes', () => {
    expect(removed('{"x":1.10,"a":0,"y":9007199254740993,"z":"\\u00e9\\/"}', ['a'])).toBe(
      '{"x":1.10,"y":9007199254740993,"z":"\\u00e9\\/"}',
    );
  });

  it('gives a view of the same bytes when there is nothing to remove', () => {
    const bytes = bytesOf('{"a":1}');
    expect(removeMembers(bytes, 0, bytes.length, () => false).buffer).toBe(bytes.buffer);
  });
});

describe('appendMembers', () => {
  it('puts members last, into empty objects too', () => {
    const append = (text: string, more: string): string => {
      const bytes = bytesOf(text);
      return textOf(appendMembers(bytes, 0, bytes.length, more));
    };
    expect(append('{"a":1}', '"b":2')).toBe('{"a":1,"b":2}');
    expect(append('{ "a": "}" }', '"b":2,"c":3')).toBe('{ "a": "}" ,"b":2,"c":3}');
    expect(append('{}', '"b":2')).toBe('{"b":2}');
    expect(append('{ \n }', '"b":2')).toBe('{ \n "b":2}');
    expect(append('{"a":1}', '')).toBe('{"a":1}');
  });
});

describe('stripHiddenMembers', () => {
  const strip = (text: string, ttl = false): string => {
    const bytes = bytesOf(text);
    return textOf(stripHiddenMembers(bytes, 0, bytes.length, { ttl }));
  };
  const code = encodeMillis(1_763_953_200_123);

  it('takes hidden fields out of a hit, its `_formatted` and its `_matchesPosition`', () => {
    const hit =
      '{"id":1,"_miroir_bucket":"⊕⊕","_miroir_slot":"⊕⊕⊕","_miroir_seq":"⊕⊕⊕⊕⊕⊕",' +
      '"_formatted":{"_miroir_seq":"x","id":"1","_miroir_slot":"y"},"_rankingScore":0.5,' +
      '"_matchesPosition":{"_miroir_slot":[]}}';
    expect(strip(hit)).toBe(
      '{"id":1,"_formatted":{"id":"1"},"_rankingScore":0.5,"_matchesPosition":{}}',
    );
  });

  it('leaves such names alone inside the fields of a document', () => {
    const text = '{"a":{"_miroir_seq":1,"_formatted":{"_miroir_seq":2}},"_formatted":"text"}';
    expect(strip(text)).toBe(text);
  });

  it('gives the time to live back as the number it was, only where there is one', () => {
    const text = `{"id":1,"_miroir_expires_at":"${code}","_formatted":{"_miroir_expires_at":"${code}"}}`;
    expect(strip(text, true)).toBe(
      '{"id":1,"_miroir_expires_at":1763953200123,"_formatted":{"_miroir_expires_at":"1763953200123"}}',
    );
    expect(strip(text)).toBe('{"id":1,"_formatted":{}}');
    expect(strip('{"id":1,"_miroir_expires_at":null}', true)).toBe(
      '{"id":1,"_miroir_expires_at":null}',
    );
    expect(strip('{"_miroir_expires_at":"soon"}', true)).toBe('{"_miroir_expires_at":"soon"}');
  });
});
