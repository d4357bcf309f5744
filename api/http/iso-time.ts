const form =
  /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2}:\d{2})(?:(\.\d+)?([Zz]|[+-]\d{2}:\d{2}))?)?$/;

/**
 * A time as Meilisearch reads and shows it: RFC 3339 without zeros at the end of the fraction, from
 * RFC 3339, `YYYY-MM-DD HH:MM:SS` or `YYYY-MM-DD`, the last two in UTC. Null for anything else and for
 * days that no month has.
 */
export function isoTime(text: string): string | null {
  const match = form.exec(text);
  if (match === null) return null;
  const [, day = '', time = '00:00:00', fraction = '', zone = 'Z'] = match;
  // A blank stands for `T` only where no zone follows.
  if (text.includes(' ') && match[4] !== undefined) return null;
  const midnight = new Date(`${day}T00:00:00Z`);
  const isDay = !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
  const iso = `${day}T${time}${fraction.replace(/\.?0+$/, '')}${zone.toUpperCase()}`;
  return isDay && !Number.isNaN(Date.parse(iso)) ? iso : null;
}
