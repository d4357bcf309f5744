/**
 * Goal: nobody holds a pod's connections, memory or disk by being slow, many or large, and no url that a
 * client sets makes the fleet call where it must not.
 * Method: sockets that send a head or a body too slowly, more connections and uploads at once than a pod
 * takes, answers of nodes beyond all bounds, embedders and webhooks at inner addresses.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fleetForTest } from '../api/support';
import type { FleetForTest, PodForTest } from '../api/support';
import { waitFor } from '../support/wait-for';

let fleet: FleetForTest;
let pod: PodForTest;
let url: string;
const sockets: Socket[] = [];

beforeAll(async () => {
  fleet = await fleetForTest({
    nodes: 2,
    env: {
      MIROIR_HEADERS_TIMEOUT_MS: '300',
      MIROIR_UPLOAD_TIMEOUT_MS: '1500',
      MIROIR_CONNECTIONS_MAX: '40',
      MIROIR_SPOOL_BYTES: '100000',
      MIROIR_BODY_LIMIT_BYTES: '8000000',
    },
  });
  pod = await fleet.pod();
  url = await pod.listen();
  await pod.write('POST', '/indexes/kept/documents?primaryKey=id', [{ id: 1, title: 'kept' }]);
}, 60_000);
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(async () => {
  await fleet.close();
});

/** A socket to the pod; `text` is what came so far, `ended` is set when the pod has closed it. */
interface Slow {
  readonly socket: Socket;
  text: string;
  ended: boolean;
}

function open(target = url): Slow {
  const { hostname, port } = new URL(target);
  const socket = connect(Number(port), hostname);
  const slow: Slow = { socket, text: '', ended: false };
  sockets.push(socket);
  socket.on('data', (chunk: Buffer) => (slow.text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  socket.on('close', () => (slow.ended = true));
  return slow;
}

/** Sends one byte at a time until the pod has enough of it. */
async function drip(slow: Slow, head: string, bytes: string): Promise<void> {
  slow.socket.write(head);
  let at = 0;
  const timer = setInterval(() => {
    if (!slow.ended) slow.socket.write(bytes[at++ % bytes.length] ?? ' ');
  }, 20);
  try {
    await waitFor(() => slow.ended, { what: 'the pod to close the line', deadlineMs: 20_000 });
  } finally {
    clearInterval(timer);
  }
}

const head = (length: number, path = '/indexes/kept/documents', key = fleet.masterKey): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key}\r\n` +
  `Content-Type: application/json\r\nContent-Length: ${String(length)}\r\n\r\n`;

const wellBehaved = async (): Promise<void> => {
  expect((await fetch(`${url}/health`)).status).toBe(200);
  expect((await pod.send('POST', '/indexes/kept/search', {})).body['estimatedTotalHits']).toBe(1);
};

test('a head that comes byte by byte is ended, and others are served meanwhile', async () => {
  const slow = open();
  const over = drip(slow, 'GET /health HTTP/1.1\r\nHost: a\r\n', 'X-Slow: a\r\n');
  await wellBehaved();
  await over;
  expect(slow.text).toMatch(/^(HTTP\/1\.1 408 |$)/);
}, 30_000);

test('a body that comes byte by byte is ended, and writes nothing', async () => {
  const slow = open();
  const over = drip(slow, head(1_000), '[{"id":9},');
  await wellBehaved();
  await over;
  expect(slow.text).not.toMatch(/^HTTP\/1\.1 2/);
  await wellBehaved();
}, 30_000);

test('a client that goes in the middle of its body leaves nothing behind', async () => {
  for (const bytes of [1_000, 200_000]) {
    const slow = open();
    slow.socket.write(head(1_000_000) + `[{"id":9,"t":"${'x'.repeat(bytes)}`);
    slow.socket.destroy();
  }
  await wellBehaved();
  const left = (await readdir(tmpdir())).filter((name) => name.startsWith('miroir-body-'));
  expect(left).toEqual([]);
});

test('more connections than a pod takes are closed as they come, and later ones are taken again', async () => {
  const many = Array.from({ length: 60 }, () => open());
  await waitFor(() => many.filter(({ ended }) => ended).length >= 20, {
    what: 'the pod to close what is too much',
    deadlineMs: 10_000,
  });
  for (const { socket } of many) socket.destroy();
  await waitFor(async () => (await fetch(`${url}/health`).catch(() => null))?.status === 200, {
    what: 'a place for another connection',
    deadlineMs: 10_000,
  });
}, 30_000);

test.each([
  ['in memory', '/indexes/kept/search'],
  ['in temporary files', '/indexes/kept/documents'],
])(
  'uploads at once beyond what a pod holds %s are told so, and their room is given back',
  async (_, path) => {
    const busy = await fleetForTest({
      nodes: 1,
      replicationFactor: 1,
      env: { MIROIR_SPOOL_BYTES: '100000', MIROIR_BODY_LIMIT_BYTES: '4000000' },
    });
    try {
      const held = await busy.pod();
      await held.write('POST', '/indexes/kept/documents?primaryKey=id', [{ id: 1 }]);
      const target = await held.listen();
      // A pod holds 64 MB of either kind; none of these bodies ever comes to its end.
      const body = `{"q":"${'x'.repeat(3_900_000)}`;
      for (let round = 0; round < 2; round += 1) {
        const uploads = Array.from({ length: 18 }, () => open(target));
        for (const { socket } of uploads) {
          socket.write(head(3_999_999, path, busy.masterKey));
          socket.write(body);
        }
        const told = await waitFor(
          () => uploads.find(({ text }) => text.startsWith('HTTP/1.1 503')) ?? null,
          { what: 'a refusal', deadlineMs: 30_000 },
        );
        expect(told.text.toLowerCase()).toContain('retry-after: 10');
        expect(told.text).toContain('too_many_search_requests');
        for (const { socket } of uploads) socket.destroy();
        const documents = [{ id: 2, t: 'y'.repeat(200_000) }];
        await waitFor(
          async () =>
            (await held.send('POST', '/indexes/kept/search', {})).status === 200 &&
            (await held.send('POST', '/indexes/kept/documents', documents)).status === 202,
          { what: 'room for others', deadlineMs: 10_000 },
        );
      }
      const left = (await readdir(tmpdir())).filter((name) => name.startsWith('miroir-body-'));
      expect(left).toEqual([]);
    } finally {
      await busy.close();
    }
  },
  60_000,
);

describe('urls that a client sets', () => {
  test.each([
    ['cloud metadata', 'http://169.254.169.254/latest/meta-data/'],
    ['the same in another writing', 'http://0xa9fea9fe/'],
    ['the same within IPv6', 'http://[::ffff:a9fe:a9fe]/'],
    ['this machine', 'http://127.0.0.1:6379/'],
    ['this machine by IPv6', 'http://[::1]:7700/'],
    ['link-local', 'http://[fe80::1]/'],
    ['a user in the url', 'http://user:pass@example.com/'],
    ['a file', 'file:///etc/passwd'],
  ])('an embedder at %s is refused, wherever it stands', async (_, target) => {
    const rest = { source: 'rest', url: target, request: '{{text}}', response: '{{embedding}}' };
    for (const [method, path, body] of [
      ['PATCH', '/indexes/kept/settings', { embedders: { e: rest } }],
      ['PATCH', '/indexes/kept/settings/embedders', { e: rest }],
      [
        'PATCH',
        '/indexes/kept/settings/embedders',
        { e: { source: 'composite', searchEmbedder: rest, indexingEmbedder: rest } },
      ],
    ] as const) {
      const answer = await pod.send(method, path, body);
      expect([answer.status, answer.body['code']]).toEqual([400, 'invalid_settings_embedders']);
      expect(answer.body['message']).toContain('this url must not be called');
    }
    const settings = await pod.send('GET', '/indexes/kept/settings');
    expect(settings.body['embedders']).toEqual({});
  });

  test('an address in a private network is a matter of the configuration', async () => {
    const strict = await fleetForTest({
      nodes: 1,
      replicationFactor: 1,
      env: { MIROIR_OUTBOUND_ALLOW_PRIVATE: 'false' },
    });
    try {
      const other = await strict.pod();
      const embedders = {
        e: { source: 'ollama', url: 'http://10.0.0.1:11434/api/embed', model: 'm' },
      };
      const refused = await other.send('PATCH', '/indexes/a/settings', { embedders });
      expect([refused.status, refused.body['code']]).toEqual([400, 'invalid_settings_embedders']);
      expect(refused.body['message']).toContain('outbound.allowPrivate');
    } finally {
      await strict.close();
    }
  }, 30_000);
});
