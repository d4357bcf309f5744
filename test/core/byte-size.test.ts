/**
 * Goal: amounts of bytes are read and printed as the engine does, with its words for what is none.
 * Method: texts and answers that were taken from a real Meilisearch 1.50.
 */
import { byteSizeText, parseByteSize } from '../../core/byte-size';

test.each([
  ['10', 10],
  ['10B', 10],
  ['12b', 2],
  ['9 bits', 2],
  ['20 kb', 2_500],
  ['1.5 MB', 1_500_000],
  ['0.1 KB', 100],
  ['1.1KB', 1_100],
  ['20MiB', 20_971_520],
  ['1Ki', 1_024],
  [' 3  GiB ', 3_221_225_472],
])('%p is %p bytes', (text, bytes) => {
  expect(parseByteSize(text)).toEqual({ ok: true, bytes });
});

test.each([
  ['', 'no value can be found'],
  ['x', "the character 'x' is not a number"],
  ['-1', "the character '-' is not a number"],
  ['1.x', "the character 'x' is not a number"],
  [
    '12 potatoes',
    "the character 'o' is incorrect ('B', 'b' or no character or no character is expected)",
  ],
  ['1Bi', "the character 'i' is incorrect (no character is expected)"],
  ['1bit2', "the character '2' is incorrect ('s' or no character is expected)"],
  ['1bix', "the character 'x' is incorrect ('t' is expected)"],
  ['100 EiB', 'the value 100 exceeds the valid range'],
])('%p is refused: %s', (text, reason) => {
  expect(parseByteSize(text)).toEqual({ ok: false, reason });
});

test.each([
  [0, '0 B'],
  [100, '100 B'],
  [1_000, '1 KB'],
  [2_500, '2.44140625 KiB'],
  [1_048_576, '1 MiB'],
  [123_456_789, '117.73756885528564 MiB'],
])('%p bytes are shown as %p', (bytes, text) => {
  expect(byteSizeText(bytes)).toBe(text);
});
