/** Goal: JSON goes through as a Meilisearch node would pass it. Method: parse and print texts. */
import {
  float,
  formatFloat,
  type JsonObject,
  JsonSyntaxError,
  LosslessNumber,
  parseJson,
  parseNumberExactly,
  stringifyJson,
} from '../../../../local/embedded-node/engine';

function roundTrip(text: string): string {
  return stringifyJson(parseJson(text));
}

describe('numbers', () => {
  it.each([
    ['0', '0'],
    ['9007199254740993', '9007199254740993'],
    ['12345678901234567890', '12345678901234567890'],
    ['18446744073709551615', '18446744073709551615'],
    ['-9223372036854775808', '-9223372036854775808'],
    ['18446744073709551616', '1.8446744073709552e+19'],
    ['123456789012345678901234567890', '1.2345678901234568e+29'],
    ['1.10', '1.1'],
    ['1.0', '1.0'],
    ['-0', '-0.0'],
    ['-0.0', '-0.0'],
    ['1e3', '1000.0'],
    ['1E-7', '1e-07'],
    ['0.00001', '0.00001'],
    ['1e15', '1000000000000000.0'],
    ['1e16', '1e+16'],
    ['1.5e300', '1.5e+300'],
    ['-12.50', '-12.5'],
  ])('%s is printed as %s', (text, printed) => {
    expect(roundTrip(text)).toBe(printed);
  });

  it('are plain only where JavaScript prints them the same', () => {
    expect(parseJson('[1, 1.5, -3]')).toEqual([1, 1.5, -3]);
    expect(parseJson('1.0')).toEqual(new LosslessNumber('1.0', 1));
    expect(parseJson('9007199254740993')).toBeInstanceOf(LosslessNumber);
  });

  it('are read with the last bit that serde_json gives them, or exactly when asked', () => {
    expect(roundTrip('28.900000000000006')).toBe('28.90000000000001');
    expect(stringifyJson(parseJson('28.900000000000006', parseNumberExactly))).toBe(
      '28.900000000000006',
    );
  });

  it('too large for a double are refused', () => {
    expect(() => parseJson('1e400')).toThrow(JsonSyntaxError);
  });

  it('made by the engine print as floats', () => {
    expect(formatFloat(10)).toBe('10.0');
    expect(stringifyJson([float(1), float(0.5)])).toBe('[1.0,0.5]');
  });
});

describe('objects', () => {
  it('keep the order of members whose names look like integers', () => {
    expect(roundTrip('{"b":1,"10":2,"2":3,"a":4}')).toBe('{"b":1,"10":2,"2":3,"a":4}');
  });

  it('keep the last of equal names, at the place of the first, with escapes decoded', () => {
    expect(roundTrip('{"id":1,"x":2,"\\u0069d":3}')).toBe('{"id":3,"x":2}');
  });

  it('have no special names', () => {
    const object = parseJson('{"__proto__":1}') as JsonObject;
    expect([...object.keys()]).toEqual(['__proto__']);
  });
});

describe('strings', () => {
  it('come back without needless escapes', () => {
    expect(roundTrip('"\\/ \\u00e9 \\" \\\\ \\n \\ud83d\\ude00"')).toBe('"/ é \\" \\\\ \\n 😀"');
  });
});

describe('malformed texts', () => {
  it.each(['', '{', '[1,]', '{"a":1,}', '{a:1}', '01', '1 2', '"\u0001"', '"\\x"', 'nul', '+1'])(
    '%j is refused',
    (text) => {
      expect(() => parseJson(text)).toThrow(JsonSyntaxError);
    },
  );

  it('nested too deeply are refused without exhausting the stack', () => {
    expect(() => parseJson('['.repeat(100_000))).toThrow('recursion limit');
  });
});
