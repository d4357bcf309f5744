import type { JsonValue } from '../fleet';

const units: Readonly<Record<string, number>> = { ns: 1, µs: 1e3, ms: 1e6, s: 1e9 };

/** `12.50ms` in nanoseconds; null for a text that is no duration. */
function nanoseconds(text: JsonValue): number | null {
  if (typeof text !== 'string') return null;
  const match = /^([\d.]+)(ns|µs|ms|s)$/.exec(text);
  return match === null ? null : Number(match[1]) * (units[match[2] ?? ''] ?? 1);
}

/**
 * `performanceDetails` of several nodes: the nodes work side by side, so the longest time of each
 * phase is shown. Null where no node sent any; a node may have sent none but the empty object.
 */
export function mergePerformance(all: readonly (JsonValue | undefined)[]): string | null {
  const longest = new Map<string, { text: string; time: number }>();
  let sent = false;
  for (const one of all) {
    if (typeof one !== 'object' || one === null || Array.isArray(one)) continue;
    sent = true;
    for (const [phase, text] of Object.entries(one)) {
      const time = nanoseconds(text);
      if (time === null || typeof text !== 'string') continue;
      if (time > (longest.get(phase)?.time ?? -1)) longest.set(phase, { text, time });
    }
  }
  if (!sent) return null;
  const members = [...longest].map(([phase, { text }]) => [phase, text] as const);
  return JSON.stringify(Object.fromEntries(members));
}
