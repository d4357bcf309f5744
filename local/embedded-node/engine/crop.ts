/** Chooses the part of a text to show: the window of words with the best matches, grown around them. */
import type { Match, MatchedText } from './matcher';
import { isSeparator, type Token } from './tokenizer';

/** Compared part by part: different query words, nearness, order. */
type Score = readonly [number, number, number];

/** Distances between matches count up to this. */
const MAX_GAP = 7;

function scoreOf(matches: readonly Match[]): Score {
  const ids = new Set<number>();
  let order = 0;
  let distance = 0;
  matches.forEach((match, i) => {
    for (const id of match.ids) ids.add(id);
    const inside = match.words[1] - match.words[0];
    order += inside;
    distance -= inside;
    const next = matches[i + 1];
    if (!next) return;
    if (Math.min(...next.ids) > Math.min(...match.ids)) order += 1;
    distance -= Math.min(next.words[0] - match.words[1], MAX_GAP);
  });
  return [ids.size, distance, order];
}

function isBetter(a: Score, b: Score): boolean {
  for (let i = 0; i < 3; i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

/**
 * The first and last match of the run that fits in `size` words and scores best. When every match is
 * a phrase longer than that, Meilisearch ends up with a run whose last match stands before its first;
 * what it then shows depends on it, so such a run is returned as it is.
 */
function bestRun(matches: readonly Match[], size: number): readonly [Match, Match] | null {
  const [earliest] = matches;
  if (!earliest) return null;
  let best: { run: readonly [Match, Match]; score: Score } | null = null;
  const consider = (from: number, to: number): void => {
    const [first, last] = [matches[from], matches[to]];
    if (!first || !last) return;
    const score = scoreOf(matches.slice(from, to + 1));
    if (!best || isBetter(score, best.score)) best = { run: [first, last], score };
  };
  let from = 0;
  matches.forEach((match, i) => {
    const end = match.words[1];
    const start = (at: number): number => matches[at]?.words[0] ?? 0;
    if (end - start(from) < size) return;
    if (i !== 0) consider(from, i - 1);
    while (from < matches.length - 1) {
      from += 1;
      if (start(from) > end || end - start(from) < size) break;
    }
  });
  const last = matches.length - 1;
  const only = matches[from];
  const fits = from !== last || (only && only.words[1] - only.words[0] + 1 < size);
  if (fits) consider(from, last);
  const found = best as { run: readonly [Match, Match] } | null;
  return found?.run ?? [earliest, earliest];
}

function kindOf(token: Token | undefined): 'none' | 'word' | 'soft' | 'hard' {
  if (!token) return 'none';
  return isSeparator(token) ? (token.kind as 'soft' | 'hard') : 'word';
}

/** Two ends that move away from the matches, counting words. */
class Window {
  constructor(
    private readonly tokens: readonly Token[],
    /** The next token to take in on each side. */
    private before: number,
    private after: number,
    private wordsLeft: number,
  ) {}

  grow(): void {
    while (this.wordsLeft > 0) {
      const before = kindOf(this.tokens[this.before]);
      const after = kindOf(this.tokens[this.after]);
      if (before === 'none' && after === 'none') return;
      if (before === 'none') this.takeAfter();
      else if (after === 'none') this.takeBefore();
      else this.takeEither(before, after);
    }
  }

  /** In UTF-16 units. */
  bounds(length: number): readonly [number, number] {
    const start = this.tokens[this.before]?.end ?? 0;
    return [start, this.tokens[this.after]?.start ?? length];
  }

  private takeEither(before: string, after: string): void {
    if (before === 'word' && after === 'word') {
      this.takeBefore();
      if (this.wordsLeft > 0) this.takeAfter();
    } else if (before === 'word') {
      this.takeBefore();
    } else if (after === 'word') {
      this.takeAfter();
    } else if (before === after) {
      // A separator is not taken in just before the crop marker.
      this.takeBefore();
      if (this.wordsLeft > 1) this.takeAfter();
    } else if (before === 'hard') {
      this.takeAfter();
    } else {
      this.takeBefore();
    }
  }

  private takeBefore(): void {
    if (kindOf(this.tokens[this.before]) === 'word') this.wordsLeft -= 1;
    this.before -= 1;
  }

  private takeAfter(): void {
    if (kindOf(this.tokens[this.after]) === 'word') this.wordsLeft -= 1;
    this.after += 1;
  }
}

/** A match longer than the window is cut: its last words go, and the text before it stays. */
function shrink(
  tokens: readonly Token[],
  from: number,
  surplus: number,
): readonly [number, number] {
  let at = Math.min(from, tokens.length - 1);
  for (let left = surplus; left > 0 && at >= 0; at -= 1) {
    if (kindOf(tokens[at]) === 'word') left -= 1;
  }
  const end = tokens[at]?.start;
  return [0, end ?? tokens[tokens.length - 1]?.end ?? 0];
}

/** The part of the text to show, in UTF-16 units; `size` words, at least 1. */
export function cropBounds(matched: MatchedText, size: number): readonly [number, number] {
  const { tokens, matches, text } = matched;
  const run = bestRun(matches, size);
  if (!run) {
    const window = new Window(tokens, -1, 0, size);
    window.grow();
    return window.bounds(text.length);
  }
  const [first, last] = run;
  const words = last.words[1] - first.words[0] + 1;
  if (words < 0) return [0, text.length];
  if (words === 0) {
    const window = new Window(tokens, first.tokens[0] - 1, 0, size);
    window.grow();
    return window.bounds(text.length);
  }
  if (size < words) return shrink(tokens, last.tokens[1] + 1, words - size);
  const window = new Window(tokens, first.tokens[0] - 1, last.tokens[1] + 1, size - words);
  window.grow();
  return window.bounds(text.length);
}
