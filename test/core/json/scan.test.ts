/**
 * Goal: the scanner accepts what is JSON, refuses what is not, and tells members as they are.
 * Method: random documents against JSON.parse, whole and broken, and fixed cases for what
 * JSON.parse cannot show: big integers, equal names, depth, bytes that are no UTF-8.
 */
import * as fc from 'fast-check';
import { findStringFault, findValueFault } from '../../../core/json/faults';
import { decodeKey, decodeString } from '../../../core/json/keys';
import {
  findMember,
  isJsonSyntaxError,
  scanArrayItems,
  scanObject,
  skipValue,
  skipWhitespace,
} from '../../../core/json/scan';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

/** True when the whole of the bytes is one JSON value. */
function accepts(bytes: Uint8Array): boolean {
  try {
    return skipWhitespace(bytes, skipValue(bytes, 0)) === bytes.length;
  } catch (error) {
    if (isJsonSyntaxError(error)) return false;
    throw error;
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** JSON with random blanks and with some characters written as escapes. */
const looseJson = fc
  .tuple(fc.jsonValue({ maxDepth: 5, stringUnit: 'grapheme' }), fc.nat(3), fc.boolean())
  .map(([value, indent, escaped]) => {
    const text = JSON.stringify(value, null, indent);
    return escaped ? text.replace(/[^\x00-\x7f]/g, hexEscape) : text;
  });

/** A text survives UTF-8 exactly when it has no lone surrogate. */
const wellFormed = (text: string): boolean => Buffer.from(text, 'utf8').toString('utf8') === text;

function hexEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isJsonSyntaxError(error)) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('skipValue', () => {
  it('accepts every text that JSON.parse accepts', () => {
    fc.assert(
      fc.property(looseJson, (text) => {
        expect(accepts(bytesOf(text))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('agrees with JSON.parse on texts that were cut', () => {
    fc.assert(
      fc.property(looseJson, fc.nat(), (text, at) => {
        const cut = bytesOf(text).subarray(0, at % (text.length + 1));
        const cutText = textOf(cut);
        // A cut inside a character leaves bytes that no text stands for.
        fc.pre(!cutText.includes('\ufffd') || text.includes('\ufffd'));
        expect(accepts(cut)).toBe(parses(cutText));
      }),
      { numRuns: 2_000 },
    );
  });

  it('agrees with JSON.parse on texts with a changed, added or removed character', () => {
    const spoiler = fc.constantFrom(...'{}[]",:\\ \n\t\u0001eE+-.0123nulltruefalsex/u');
    fc.assert(
      fc.property(looseJson, fc.nat(), spoiler, fc.nat(2), (text, where, added, removed) => {
        const units = [...text];
        units.splice(where % (units.length + 1), removed, added);
        const spoilt = units.join('');
        expect({ spoilt, ok: accepts(bytesOf(spoilt)) }).toEqual({ spoilt, ok: parses(spoilt) });
      }),
      { numRuns: 5_000 },
    );
  });

  it('refuses exactly the bytes that are not UTF-8', () => {
    const strict = new TextDecoder('utf-8', { fatal: true });
    const high = fc.oneof(
      fc.integer({ min: 0x80, max: 0xff }),
      fc.integer({ min: 0x61, max: 0x7a }),
    );
    fc.assert(
      fc.property(fc.array(high, { maxLength: 8 }), (content) => {
        let valid = true;
        try {
          strict.decode(Uint8Array.from(content));
        } catch {
          valid = false;
        }
        expect(accepts(Uint8Array.from([0x22, ...content, 0x22]))).toBe(valid);
      }),
      { numRuns: 5_000 },
    );
  });

  it('takes any depth without a call stack', () => {
    const deep = `${'[{"a":'.repeat(50_000)}1${'}]'.repeat(50_000)}`;
    expect(skipValue(bytesOf(deep), 0)).toBe(deep.length);
    expect(accepts(bytesOf(deep.slice(0, -1)))).toBe(false);
  });

  it.each([
    ['', 'EOF while parsing a value at line 1 column 0'],
    ['[1,]', 'expected value at line 1 column 4'],
    ['{"a":1,}', 'key must be a string at line 1 column 8'],
    ['{"a" 1}', 'expected `:` at line 1 column 6'],
    ['{"a":1 "b"}', 'expected `,` or `}` at line 1 column 8'],
    ['[1 2]', 'expected `,` or `]` at line 1 column 4'],
    ['\n\n[01]', 'invalid number at line 3 column 3'],
    ['nul', 'EOF while parsing a value at line 1 column 3'],
    ['nulx', 'expected ident at line 1 column 4'],
    ['"a', 'EOF while parsing a string at line 1 column 2'],
    ['"a\\x"', 'invalid escape at line 1 column 4'],
    ['[{"a":', 'EOF while parsing a value at line 1 column 6'],
    ['[{"a"', 'EOF while parsing an object at line 1 column 5'],
  ])('says of %j: %s', (text, message) => {
    expect(messageOf(() => skipValue(bytesOf(text), 0))).toBe(message);
  });
});

describe('scanObject', () => {
  it('shows the members that JSON.parse has, by decoded name, the last of equal ones', () => {
    const object = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue());
    fc.assert(
      fc.property(object, fc.nat(3), fc.boolean(), (value, indent, escaped) => {
        const plain = JSON.stringify(value, null, indent);
        const text = escaped ? plain.replace(/[^\x00-\x7f]/g, hexEscape) : plain;
        const bytes = bytesOf(text);
        const members = new Map<string, unknown>();
        const end = scanObject(bytes, 0, (key, from, to) => {
          members.set(key, JSON.parse(textOf(bytes.subarray(from, to))));
        });
        expect(end).toBe(bytes.length);
        const parsed = JSON.parse(text) as Record<string, unknown>;
        expect(members).toEqual(new Map(Object.entries(parsed)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('decodes names before it compares them, and lets the last of equal names count', () => {
    const bytes = bytesOf('{"id":1,"\\u0069d":2,"i\\u0064":9007199254740993,"x":{"id":5}}');
    const span = findMember(bytes, 0, 'id');
    expect(span && textOf(bytes.subarray(span.start, span.end))).toBe('9007199254740993');
    expect(findMember(bytes, 0, 'absent')).toBeNull();
  });

  it('takes `__proto__` and the empty name for names like others', () => {
    const keys: string[] = [];
    scanObject(bytesOf('{"__proto__":{"a":1},"":2,"constructor":3}'), 0, (key) => keys.push(key));
    expect(keys).toEqual(['__proto__', '', 'constructor']);
  });

  it('refuses other values than objects, and half objects', () => {
    expect(messageOf(() => scanObject(bytesOf('[1]'), 0, () => undefined))).toBe(
      'expected value at line 1 column 1',
    );
    expect(messageOf(() => scanObject(bytesOf('{"a":1'), 0, () => undefined))).toBe(
      'EOF while parsing an object at line 1 column 6',
    );
  });
});

describe('scanArrayItems', () => {
  it('shows every item where it stands', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.nat(2), (value, indent) => {
        const bytes = bytesOf(`  ${JSON.stringify(value, null, indent)} rest`);
        const items: unknown[] = [];
        const end = scanArrayItems(bytes, 0, (from, to) => {
          items.push(JSON.parse(textOf(bytes.subarray(from, to))));
        });
        expect(items).toEqual(JSON.parse(JSON.stringify(value)));
        expect(textOf(bytes.subarray(end))).toBe(' rest');
      }),
    );
  });
});

describe('names and strings', () => {
  it('are decoded as JSON.parse decodes them, also when the table of names is full', () => {
    const names = Array.from({ length: 5_000 }, (_, index) => `field_${String(index % 2_500)}`);
    for (const name of names) expect(decodeKey(bytesOf(name), 0, name.length)).toBe(name);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const quoted = JSON.stringify(Buffer.from(text, 'utf8').toString('utf8'));
        const bytes = bytesOf(quoted);
        expect(decodeString(bytes, 1, bytes.length - 1)).toBe(JSON.parse(quoted));
        expect(decodeKey(bytes, 1, bytes.length - 1)).toBe(JSON.parse(quoted));
      }),
    );
  });
});

describe('findValueFault', () => {
  const faultOf = (text: string): string | null =>
    findValueFault(bytesOf(text), 0, bytesOf(text).length)?.message ?? null;

  it.each([
    ['"\\ud83d"', 'unexpected end of hex escape at line 1 column 8'],
    ['"\\ud83dx"', 'unexpected end of hex escape at line 1 column 8'],
    ['"\\ud83d\\n"', 'unexpected end of hex escape at line 1 column 9'],
    ['"\\udc00"', 'lone leading surrogate in hex escape at line 1 column 7'],
    ['"\\ud83d\\u0041"', 'lone leading surrogate in hex escape at line 1 column 13'],
    ['{"\\ud800":1}', 'unexpected end of hex escape at line 1 column 9'],
    ['1e400', 'number out of range at line 1 column 5'],
    ['[1,-1e999]', 'number out of range at line 1 column 9'],
    [`${'['.repeat(128)}${']'.repeat(128)}`, 'recursion limit exceeded at line 1 column 128'],
  ])('finds in %s what the engine refuses while indexing', (text, message) => {
    expect(faultOf(text)).toBe(message);
  });

  it.each([
    '"\\ud83d\\ude00"',
    '"\\\\ud83d"',
    '1e308',
    '1e-400',
    `${'['.repeat(127)}${']'.repeat(127)}`,
    '{"a":"\\u00e9","b":[null,true,-0.5]}',
  ])('finds nothing in %s', (text) => {
    expect(faultOf(text)).toBeNull();
  });

  it('agrees with the well-formedness of any string', () => {
    const units = fc.array(fc.constantFrom(0xd800, 0xdbff, 0xdc00, 0xdfff, 0x41), { maxLength: 6 });
    fc.assert(
      fc.property(units, (codes) => {
        const text = String.fromCharCode(...codes);
        const escaped = codes.map((code) => `\\u${code.toString(16).padStart(4, '0')}`).join('');
        const bytes = bytesOf(`"${escaped}"`);
        expect(findValueFault(bytes, 0, bytes.length) === null).toBe(wellFormed(text));
        expect(findStringFault(bytes, 1, 0) === null).toBe(wellFormed(text));
      }),
    );
  });
});
