/**
 * Goal: a url that a person sets cannot make Miroir call metadata services or, unless allowed, inner networks.
 * Method: literal addresses in all their spellings, and names resolved by a resolver made here.
 */
import { request } from 'undici';
import { checkOutbound, pinnedAgent } from '../../meili/outbound-guard';
import type { Resolver } from '../../meili/outbound-guard';
import { fakeNode, json } from '../support/fake-node';

const strict = { allowLoopback: false, allowPrivate: false };
const open = { allowLoopback: true, allowPrivate: true };
const resolvesTo =
  (...addresses: string[]): Resolver =>
  () =>
    Promise.resolve(
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );

test.each([
  'http://169.254.169.254/latest/meta-data',
  'http://[fe80::1]/',
  'http://[::ffff:169.254.169.254]/',
  'http://[::ffff:a9fe:a9fe]/',
  'http://0xa9fea9fe/',
  'http://2852039166/',
  'http://0.0.0.0:7700/',
  'http://[::]:7700/',
  'http://100.100.100.200/',
  'http://[fd00:ec2::254]/',
  'http://[64:ff9b::a9fe:a9fe]/',
  'http://[2002:a9fe:a9fe::]/',
  'http://224.0.0.1/',
])('%s is refused whatever is allowed', async (url) => {
  expect(await checkOutbound(url, open)).toMatchObject({ ok: false });
});

test.each([
  'http://127.0.0.1:1/',
  'http://127.9.9.9/',
  'http://0177.0.0.1/',
  'http://[::1]/',
  'http://[::ffff:127.0.0.1]/',
])('%s needs allowLoopback', async (url) => {
  expect(await checkOutbound(url, { ...open, allowLoopback: false })).toMatchObject({ ok: false });
  expect(await checkOutbound(url, { ...strict, allowLoopback: true })).toMatchObject({ ok: true });
});

test.each([
  'http://10.1.2.3/',
  'http://172.31.0.1/',
  'http://192.168.1.1/',
  'http://100.64.0.1/',
  'http://[fd12::1]/',
])('%s needs allowPrivate', async (url) => {
  expect(await checkOutbound(url, { ...open, allowPrivate: false })).toMatchObject({ ok: false });
  expect(await checkOutbound(url, { ...strict, allowPrivate: true })).toMatchObject({ ok: true });
});

test('a public address is allowed', async () => {
  expect(
    await checkOutbound('https://example.org/hook', strict, resolvesTo('93.184.215.14')),
  ).toMatchObject({
    ok: true,
    address: { address: '93.184.215.14', family: 4 },
  });
});

test('one bad address among good ones refuses the name', async () => {
  const resolver = resolvesTo('93.184.215.14', '169.254.169.254');
  expect(await checkOutbound('https://example.org/', open, resolver)).toMatchObject({ ok: false });
});

test.each([
  'file:///etc/passwd',
  'gopher://example.org/',
  'http://user:key@example.org/',
  'not a url',
])('%s is refused', async (url) => {
  expect(await checkOutbound(url, open, resolvesTo('93.184.215.14'))).toMatchObject({ ok: false });
});

test('a name that does not resolve is refused', async () => {
  const failing: Resolver = () => Promise.reject(new Error('ENOTFOUND'));
  expect(await checkOutbound('http://nowhere.invalid/', open, failing)).toMatchObject({
    ok: false,
  });
});

test('the connection goes to the address that was checked', async () => {
  const node = await fakeNode((_request, response) => json(response, 200, { there: true }));
  const agent = pinnedAgent({ address: '127.0.0.1', family: 4 });
  try {
    const { port } = new URL(node.url);
    const answer = await request(`http://rebound.invalid:${port}/`, { dispatcher: agent });
    expect(await answer.body.json()).toEqual({ there: true });
  } finally {
    await agent.close();
    await node.close();
  }
});
