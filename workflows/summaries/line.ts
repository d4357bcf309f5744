/** Temporal takes summaries of 400 bytes; no character here has more than three. */
const charactersMax = 120;

/** One line that is short enough for a summary, whatever names are in it. */
export function line(text: string): string {
  const flat = text.replace(/\s+/g, ' ').trim();
  return flat.length <= charactersMax ? flat : `${flat.slice(0, charactersMax - 1)}…`;
}

export const counted = (n: number, unit: string): string =>
  `${String(n)} ${unit}${n === 1 ? '' : 's'}`;

export const indexOr = (name: string | null, otherwise = 'all indexes'): string =>
  name ?? otherwise;
