/** Goal: text falls into the words Meilisearch sees. Method: tokenize short texts. */
import { Tokenizer } from '../../../../local/embedded-node/engine/tokenizer';

const plain = new Tokenizer();
const kinds = (text: string, tokenizer = plain): string[] =>
  tokenizer.tokenize(text).map(({ kind, lemma }) => `${kind}:${lemma}`);

describe('words', () => {
  it('are folded to lower case without diacritics', () => {
    expect(plain.words('Café ÜBER naïve Straße Œuvre Đà ıI')).toEqual([
      'cafe',
      'uber',
      'naive',
      'straße',
      'oeuvre',
      'da',
      'ii',
    ]);
  });

  it('keep their place in the text', () => {
    expect(plain.tokenize('a Éb').map(({ start, end }) => [start, end])).toEqual([
      [0, 1],
      [1, 2],
      [2, 4],
    ]);
  });

  it('end where the script changes', () => {
    expect(plain.words('abcпривет')).toEqual(['abc', 'привет']);
  });

  it('of scripts without case are left as they are', () => {
    expect(plain.words('東京')).toEqual(['東京']);
  });

  it('made of figures stay whole beside dense scripts', () => {
    expect(plain.words('東京 $5')).toEqual(['東京', '$5']);
  });
});

describe('separators', () => {
  it('are soft inside a context and hard between contexts', () => {
    expect(kinds('a-b, c. d.e!')).toEqual([
      'word:a',
      'soft:-',
      'word:b',
      'hard:, ',
      'word:c',
      'hard:. ',
      'word:d',
      'soft:.',
      'word:e',
      'hard:!',
    ]);
  });

  it('do not include signs that may be part of a word', () => {
    expect(plain.words('a|b ~c $5 x=y <z>')).toEqual(['a|b', '~c', '$5', 'x=y', '<z>']);
  });

  it('include the operators U+2295 to U+22AB and U+22B0 to U+22D8, which give no word', () => {
    const symbols: string[] = [];
    for (let code = 0x2295; code <= 0x22ab; code += 1) symbols.push(String.fromCharCode(code));
    for (let code = 0x22b0; code <= 0x22d8; code += 1) symbols.push(String.fromCharCode(code));
    expect(symbols).toHaveLength(64);
    for (const text of [symbols.join(''), ...symbols]) {
      expect(new Set(plain.tokenize(text).map(({ kind }) => kind))).toEqual(new Set(['soft']));
    }
  });

  it('that decompose into something else are words', () => {
    expect(kinds('a…b')).toEqual(['word:a', 'word:...', 'word:b']);
  });

  it('can be added and taken away', () => {
    const tokenizer = new Tokenizer({ separatorTokens: ['|', 'sep'], nonSeparatorTokens: ['-'] });
    expect(tokenizer.words('a|bsepc d-e')).toEqual(['a', 'b', 'c', 'd-e']);
  });
});

describe('settings', () => {
  it('keep dictionary words whole', () => {
    const tokenizer = new Tokenizer({ dictionary: ['J. R. R.', 'C++'] });
    expect(tokenizer.words('J. R. R. Tolkien C++')).toEqual(['j. r. r.', 'tolkien', 'c++']);
  });

  it('name stop words as they are written, before case is folded', () => {
    const tokenizer = new Tokenizer({ stopWords: ['the'] });
    expect(kinds('the The', tokenizer)).toEqual(['stop-word:the', 'soft: ', 'word:the']);
  });
});
