import type { JsonValue } from '../../../core/fleet';

/** How much of a key of some length may be seen, and how the rest is written: as the engine does. */
const shapes = [
  { below: 10, seen: 0, rest: 'XXX...' },
  { below: 20, seen: 2, rest: 'XXXX...' },
  { below: 30, seen: 3, rest: 'XXXXX...' },
  { below: Number.POSITIVE_INFINITY, seen: 5, rest: 'XXXXXX...' },
] as const;

/** The value with every `apiKey` in it made unreadable. Settings and tasks show providers' keys so. */
export function withoutSecrets(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      name === 'apiKey' && typeof member === 'string'
        ? redactSecret(member)
        : withoutSecrets(member),
    ]),
  );
}

/** One secret as the engine shows it. */
export function redactSecret(key: string): string {
  const length = Buffer.byteLength(key);
  const shape = shapes.find(({ below }) => length < below) ?? shapes[3];
  return key.slice(0, shape.seen) + shape.rest;
}
