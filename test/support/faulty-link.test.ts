/**
 * Goal: the faulty network itself is right: a slow link reorders nothing, a cut one is noticed, a deaf one
 * lets requests through, and all of them heal.
 * Method: a server that echoes, spoken to through a link.
 */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { FaultyLink } from './faulty-link';
import { waitFor } from './wait-for';

let server: Server;
let link: FaultyLink;
let heard = '';
const open: Socket[] = [];

beforeEach(async () => {
  heard = '';
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      heard += bytes.toString();
      socket.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  link = await FaultyLink.open(`127.0.0.1:${String((server.address() as AddressInfo).port)}`);
});
afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy();
  await link.close();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

interface Client {
  readonly socket: Socket;
  got(): string;
  over(): boolean;
}

function client(): Client {
  const socket = connect(Number(link.address.split(':')[1]), '127.0.0.1');
  open.push(socket);
  let got = '';
  let over = false;
  socket.on('data', (bytes) => (got += bytes.toString()));
  socket.on('error', () => undefined).on('close', () => (over = true));
  return { socket, got: () => got, over: () => over };
}

test('a link that becomes fast again reorders nothing', async () => {
  const { socket, got } = client();
  const words = Array.from({ length: 40 }, (_, at) => `${String(at)};`);
  link.set({ kind: 'open', delayMs: 60 });
  for (const [at, word] of words.entries()) {
    if (at === 20) link.heal();
    socket.write(word);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await waitFor(() => got().length === words.join('').length, { what: 'the echo' });
  expect(got()).toBe(words.join(''));
});

test('a cut ends connections and refuses new ones until it heals', async () => {
  const first = client();
  first.socket.write('a');
  await waitFor(() => first.got() === 'a', { what: 'the echo' });
  link.set({ kind: 'cut' });
  await waitFor(first.over, { what: 'the end of the connection' });
  const second = client();
  await waitFor(second.over, { what: 'the refusal' });
  link.heal();
  const third = client();
  third.socket.write('b');
  await waitFor(() => third.got() === 'b', { what: 'the echo after the cut' });
});

test('a deaf link lets requests through and loses the answers', async () => {
  const { socket, got, over } = client();
  link.set({ kind: 'deaf' });
  socket.write('landed');
  await waitFor(() => heard === 'landed', { what: 'the request at the server' });
  expect(got()).toBe('');
  link.heal();
  await waitFor(over, { what: 'the connection with the gap to end' });
});
