import { lookup as dnsLookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { Agent } from 'undici';

/** What urls that a person can set may point at, beyond public addresses. */
export interface OutboundRules {
  readonly allowLoopback: boolean;
  readonly allowPrivate: boolean;
}

export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

export type Resolver = (host: string) => Promise<readonly ResolvedAddress[]>;

export type OutboundVerdict =
  | { readonly ok: true; readonly url: URL; readonly address: ResolvedAddress }
  | { readonly ok: false; readonly reason: string; readonly unresolved?: true };

type Subnets = readonly (readonly [net: string, bits: number])[];

const loopback: Subnets = [
  ['127.0.0.0', 8],
  ['::1', 128],
];
const privateNets: Subnets = [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['fc00::', 7],
];
/** Never reached: cloud metadata, link-local, multicast, reserved, and IPv6 forms that hide an IPv4. */
const never: Subnets = [
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['100.100.100.200', 32],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 128],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 32],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fd00:ec2::254', 128],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];

const lists = {
  loopback: blockList(loopback),
  private: blockList(privateNets),
  never: blockList(never),
};

/**
 * Whether Miroir may call a url that a person set (a node's, a webhook's, an embedder's). The name is
 * resolved once and every address it has must be allowed; connect to `address` by `pinnedAgent`, or a
 * second resolution could give another answer. Redirects must not be followed without a new check.
 */
export async function checkOutbound(
  value: string,
  rules: OutboundRules,
  resolve: Resolver = resolveAll,
): Promise<OutboundVerdict> {
  if (!URL.canParse(value)) return refuse('it is not a url');
  const url = new URL(value);
  if (!/^https?:$/.test(url.protocol)) return refuse('only http and https are called');
  if (url.username !== '' || url.password !== '') return refuse('a url may carry no user');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const family = isIP(host);
  let addresses: readonly ResolvedAddress[];
  try {
    addresses = family === 0 ? await resolve(host) : [{ address: host, family: family as 4 | 6 }];
  } catch {
    return { ...refuse(`${host} cannot be resolved`), unresolved: true };
  }
  const [first] = addresses;
  if (first === undefined) return { ...refuse(`${host} has no address`), unresolved: true };
  for (const address of addresses) {
    const problem = forbidden(address, rules);
    if (problem !== null) return refuse(`${host} points at ${problem}`);
  }
  return { ok: true, url, address: first };
}

/** An agent that connects to the checked address, whatever the name resolves to by then. */
export function pinnedAgent({ address, family }: ResolvedAddress): Agent {
  const lookup: LookupFunction = (_host, options, done) => {
    if (options.all === true) done(null, [{ address, family }]);
    else done(null, address, family);
  };
  return new Agent({ connect: { lookup } });
}

function forbidden({ address, family }: ResolvedAddress, rules: OutboundRules): string | null {
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  if (lists.never.check(address, kind)) return 'a link-local, metadata or reserved address';
  if (!rules.allowLoopback && lists.loopback.check(address, kind)) {
    return 'this machine, which outbound.allowLoopback does not allow';
  }
  if (!rules.allowPrivate && lists.private.check(address, kind)) {
    return 'a private network, which outbound.allowPrivate does not allow';
  }
  return null;
}

function refuse(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}

async function resolveAll(host: string): Promise<readonly ResolvedAddress[]> {
  const found = await dnsLookup(host, { all: true, verbatim: true });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
}

/** An IPv4 rule also matches the address in its IPv6-mapped form. */
function blockList(subnets: Subnets): BlockList {
  const list = new BlockList();
  for (const [net, bits] of subnets) list.addSubnet(net, bits, isIP(net) === 6 ? 'ipv6' : 'ipv4');
  return list;
}
