/** `?a=1&b=2` of the members that are set; empty when none is. */
export function queryString(members: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(members)
    .filter((pair): pair is [string, string] => pair[1] !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}
