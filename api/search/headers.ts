type Headers = Readonly<Record<string, string>>;

/** Headers whose values are lists: an answer made of several says what is wrong with any of them. */
const lists: ReadonlySet<string> = new Set([
  'x-miroir-settings-inconsistent',
  'x-miroir-approximate',
]);
const version = 'x-miroir-settings-version';

/** The headers of an answer that is made of several: lists are joined, of versions the lowest counts. */
export function joinHeaders(all: readonly Headers[]): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const headers of all) {
    for (const [name, value] of Object.entries(headers)) {
      joined[name] = joinedValue(name, joined[name], value);
    }
  }
  return joined;
}

function joinedValue(name: string, before: string | undefined, value: string): string {
  if (before === undefined) return value;
  if (name === version) return String(Math.min(Number(before), Number(value)));
  if (!lists.has(name)) return value;
  const items = [...before.split(','), ...value.split(',')].map((item) => item.trim());
  return [...new Set(items)].join(name === 'x-miroir-approximate' ? ', ' : ',');
}
