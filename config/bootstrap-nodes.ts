import type { BootstrapNode } from './config';
import type { Kind } from './kinds';

/** `[{"id":"meili-0","url":"http://…","group":0}]` as JSON text, or the same as a YAML list. */
export const bootstrapNodes: Kind<readonly BootstrapNode[]> = {
  name: 'list of `{id, url, group, zone, weight}`, as JSON in the environment',
  parse: (input) => {
    const list: unknown = typeof input === 'string' ? parseJson(input) : input;
    if (!Array.isArray(list)) throw new Error('expected a list of nodes');
    return list.map(parseNode);
  },
};

/** The nodes of `MIROIR_NODES=url,url,…`: `meili-0 …`, spread over the groups round robin. */
export function nodesFromUrls(urls: string, groups: number): BootstrapNode[] {
  return urls
    .split(',')
    .map((url) => url.trim())
    .filter((url) => url !== '')
    .map((url, i) => ({
      id: `meili-${String(i)}`,
      url: nodeUrl(url),
      group: i % groups,
      zone: null,
      weight: 1,
    }));
}

function parseNode(item: unknown, at: number): BootstrapNode {
  const where = `node ${String(at)}`;
  if (typeof item !== 'object' || item === null) throw new Error(`${where}: expected an object`);
  const { id, url, group = 0, zone = null, weight = 1 } = item as Record<string, unknown>;
  if (typeof id !== 'string' || !/^[A-Za-z0-9._-]{1,64}$/.test(id)) {
    throw new Error(`${where}: id must be 1 to 64 of A-Z a-z 0-9 . _ -`);
  }
  if (typeof url !== 'string') throw new Error(`${where}: url is missing`);
  if (typeof group !== 'number' || !Number.isInteger(group) || group < 0) {
    throw new Error(`${where}: group must be an integer from 0`);
  }
  if (zone !== null && typeof zone !== 'string') throw new Error(`${where}: zone must be a text`);
  if (typeof weight !== 'number' || !(weight > 0 && weight <= 1_000)) {
    throw new Error(`${where}: weight must be above 0 and at most 1000`);
  }
  return { id, url: nodeUrl(url), group, zone, weight };
}

/** An http or https url without user, query or fragment, and without the slash at its end. */
function nodeUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new Error('a node url must begin with http:// or https://');
  }
  if (url.username !== '' || url.search !== '' || url.hash !== '') {
    throw new Error('a node url may carry no user, query or fragment: keys have their own setting');
  }
  return `${url.origin}${url.pathname.replace(/\/$/, '')}`;
}

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    throw new Error('expected JSON');
  }
}
