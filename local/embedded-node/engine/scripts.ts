/**
 * Writing systems as the tokenizer tells them apart. A change of script ends a word, and script
 * decides which normalisation a word gets.
 */
export type Script =
  'latin' | 'cyrillic' | 'greek' | 'georgian' | 'armenian' | 'marked' | 'dense' | 'other';

interface Rule {
  readonly name: string;
  readonly script: Script;
  readonly pattern: RegExp;
}

/** First match wins. `marked`: vowel marks are dropped; `dense`: written without blanks. */
const RULES: readonly Rule[] = [
  {
    name: 'latin',
    script: 'latin',
    pattern:
      /[a-zA-Z\u0080-\u02af\u1d00-\u1d2a\u1d2c-\u1d77\u1d79-\u1dbf\u1e00-\u1eff\u2100-\u214f\u2c60-\u2c7f\ua720-\ua7ff\uab30-\uab6f]/u,
  },
  { name: 'cyrillic', script: 'cyrillic', pattern: /\p{Script=Cyrillic}/u },
  {
    name: 'arabic',
    script: 'marked',
    pattern: /[\u0600-\u06ff\u0750-\u07ff\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff]/u,
  },
  { name: 'devanagari', script: 'other', pattern: /[\u0900-\u097f\ua8e0-\ua8ff\u1cd0-\u1cff]/u },
  { name: 'hebrew', script: 'marked', pattern: /[\u0590-\u05ff]/u },
  { name: 'ethiopic', script: 'other', pattern: /\p{Script=Ethiopic}/u },
  { name: 'georgian', script: 'georgian', pattern: /[\u10a0-\u10ff]/u },
  { name: 'bengali', script: 'other', pattern: /[\u0980-\u09ff]/u },
  { name: 'hangul', script: 'other', pattern: /\p{Script=Hangul}/u },
  {
    name: 'cj',
    script: 'dense',
    pattern: /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u,
  },
  { name: 'greek', script: 'greek', pattern: /[\u0370-\u03ff]/u },
  { name: 'thai', script: 'dense', pattern: /[\u0e00-\u0e7f]/u },
  { name: 'khmer', script: 'dense', pattern: /[\u1780-\u17ff\u19e0-\u19ff]/u },
  {
    name: 'indic',
    script: 'other',
    pattern: /[\u0a00-\u0dff\u1000-\u109f]/u,
  },
];

const NONE = -1;
const cache = new Map<number, number>();

function ruleOf(codePoint: number): number {
  if (codePoint < 128) {
    const lower = codePoint | 32;
    return lower >= 97 && lower <= 122 ? 0 : NONE;
  }
  let rule = cache.get(codePoint);
  if (rule === undefined) {
    const character = String.fromCodePoint(codePoint);
    rule = RULES.findIndex(({ pattern }) => pattern.test(character));
    cache.set(codePoint, rule);
  }
  return rule;
}

/** A stretch of text in one script; characters of no script go with what precedes them. */
export interface ScriptGroup {
  readonly text: string;
  readonly script: Script;
}

/** Splits a text where the script changes. The parts joined are the text. */
export function groupByScript(text: string): ScriptGroup[] {
  const groups: ScriptGroup[] = [];
  let start = 0;
  let current = NONE;
  for (let at = 0; at < text.length;) {
    const codePoint = text.codePointAt(at) ?? 0;
    const rule = ruleOf(codePoint);
    if (rule !== NONE && rule !== current) {
      if (current !== NONE) {
        groups.push({ text: text.slice(start, at), script: scriptOf(current) });
        start = at;
      }
      current = rule;
    }
    at += codePoint > 0xffff ? 2 : 1;
  }
  if (start < text.length) groups.push({ text: text.slice(start), script: scriptOf(current) });
  return groups;
}

function scriptOf(rule: number): Script {
  return RULES[rule]?.script ?? 'other';
}
