/**
 * Goal: the typo search finds exactly the words near a query word. Method: compare it, on random
 * dictionaries, with the distance computed word by word; a failure prints its seed.
 */
import {
  oneTypoDerivations,
  prefixDerivations,
  twoTypoDerivations,
} from '../../../../local/embedded-node/engine/derivations';
import { Dictionary } from '../../../../local/embedded-node/engine/dictionary';

function dictionaryOf(words: Iterable<string>): Dictionary {
  const dictionary = new Dictionary();
  for (const word of new Set(words)) dictionary.add(word);
  return dictionary;
}

/** Edit distance in which swapped neighbours are one edit. */
function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => [i]);
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let j = 0; j <= b.length; j += 1) rows[0]![j] = j;
  for (let i = 1; i <= a.length; i += 1) {
    for (let j = 1; j <= b.length; j += 1) {
      let best = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      best = Math.min(best, at(i - 1, j) + 1, at(i, j - 1) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, at(i - 2, j - 2) + 1);
      }
      rows[i]![j] = best;
    }
  }
  return at(a.length, b.length);
}

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

describe('typos', () => {
  it('are found as by comparing with every word', () => {
    const seed = Date.now() % 1_000_000;
    const random = randomFrom(seed);
    const word = (): string =>
      Array.from(
        { length: 1 + Math.floor(random() * 7) },
        () => 'abcd'[Math.floor(random() * 4)],
      ).join('');
    for (let round = 0; round < 60; round += 1) {
      const words = Array.from({ length: 60 }, word);
      const dictionary = dictionaryOf(words);
      const query = word();
      const sorted = [...new Set(words)].sort();
      const near = (typos: number): string[] => sorted.filter((w) => distance(query, w) === typos);
      const sameFirst = (w: string): boolean => w[0] === query[0];
      const search = { word: query, maxTypos: 2, isPrefix: false };
      const two = sorted.filter((w) =>
        sameFirst(w) ? distance(query, w) === 2 : distance(query, w) === 1,
      );
      expect({ seed, one: oneTypoDerivations(dictionary, search) }).toEqual({
        seed,
        one: near(1).filter(sameFirst),
      });
      expect({ seed, ...twoTypoDerivations(dictionary, search) }).toEqual({
        seed,
        one: near(1).filter(sameFirst),
        two,
      });
    }
  });

  it('may be in the part of a word that a prefix covers', () => {
    const dictionary = dictionaryOf(['brainstorm', 'brain', 'brown', 'train', 'bran']);
    const search = { word: 'brian', maxTypos: 1, isPrefix: true };
    expect(oneTypoDerivations(dictionary, search)).toEqual(['brain', 'brainstorm', 'bran']);
  });

  it('are looked for in byte order and only until enough are found', () => {
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    const words = [...letters].flatMap((a) => [...letters].map((b) => `x${a}${b}yz`));
    const { one, two } = twoTypoDerivations(dictionaryOf(words), {
      word: 'xmmyz',
      maxTypos: 2,
      isPrefix: false,
    });
    expect(one).toHaveLength(50);
    expect(two).toHaveLength(50);
    expect(two).toEqual(words.filter((w) => distance(w, 'xmmyz') === 2).slice(0, 50));
  });
});

describe('prefixes', () => {
  it('leave out the word itself', () => {
    const dictionary = dictionaryOf(['sea', 'sear', 'seal', 'se', 'tea']);
    expect(prefixDerivations(dictionary, 'sea')).toEqual(['seal', 'sear']);
  });

  it('shared by a hundred words are common, until words go', () => {
    const words = Array.from({ length: 100 }, (_, i) => `ab${i}`);
    const dictionary = dictionaryOf(words);
    expect(dictionary.isCommonPrefix('ab')).toBe(true);
    dictionary.remove('ab7');
    expect(dictionary.isCommonPrefix('ab')).toBe(false);
    expect(dictionary.sorted()).not.toContain('ab7');
  });
});
