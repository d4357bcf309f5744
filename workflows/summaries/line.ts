/** Temporal takes summaries of 400 bytes; no character here has more than three. */
const charactersMax = 120;

/** One line that is short enough for a summary, whatever names are in it. */
export function line(text: string): string {
  const flat = text.replace(/\s+/g, ' ').trim();
  return flat.length <= charactersMax ? flat : `${flat.slice(0, charactersMax - 1)}…`;
}

const plurals: Readonly<Record<string, string>> = { copy: 'copies', index: 'indexes' };

/** `3 copies`; the unit's last word is the one that is counted. */
export function counted(n: number, unit: string): string {
  if (n === 1) return `1 ${unit}`;
  const words = unit.split(' ');
  const last = words.pop() ?? '';
  return [String(n), ...words, plurals[last] ?? `${last}s`].join(' ');
}

export const indexOr = (name: string | null, otherwise = 'all indexes'): string =>
  name ?? otherwise;
