/**
 * Goal: a body of any size takes a bounded amount of a pod's memory, and its documents reach the nodes byte
 * for byte, whichever way they came.
 * Method: the same odd payloads are sent to a pod that keeps bodies in memory and to one that puts all of
 * them into temporary files; documents and tasks must be alike. For the memory, the pod is a process of
 * its own before a node that only counts: 100 MB may not take much more of it than 25 MB.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { startEmbeddedNode } from '../../../local/embedded-node/server';
import type { RunningEmbeddedNode } from '../../../local/embedded-node/server';
import { fleetForTest } from '../support';
import type { FleetForTest, PodForTest } from '../support';
import { builtForTest } from '../../support/built';
import { waitFor } from '../../support/wait-for';

const odd = [
  '{"id":1,"a":1,"a":2}',
  '{"id":"two","2":"b","10":"c","1":"a"}',
  '{"id":3,"big":9007199254740993,"wide":12345678901234567890,"f":1.10,"e":1e3,"z":-0}',
  '{"\\u0069d":4,"text":"\\u00e9 \\ud83d\\ude00 \\/ {[\\"]}"}',
  '{"id":5,"deep":[[{"x":[]}]],"n":null}',
];
const csv = 'id,text,n:number\n1,"a ""b""\nc",2\n2,plain,\n3,"ü",9007199254740993\n';
const payloads: readonly (readonly [name: string, type: string, body: string])[] = [
  ['a list', 'application/json', `[${odd.join(' ,\n')}]`],
  ['one object', 'application/json', odd[2] ?? ''],
  ['lines', 'application/x-ndjson', odd.join('\n')],
  ['CSV', 'text/csv', csv],
  ['a lone surrogate', 'application/json', '[{"id":1},{"id":2,"a":"\\ud800"}]'],
  ['a broken list', 'application/json', `[${odd.join(',')}`],
  ['broken lines', 'application/x-ndjson', `${odd.join('\n')}\n{"id":6,}`],
  ['a bad id', 'application/json', '[{"id":1},{"id":"no good"}]'],
  ['a reserved name', 'application/json', '[{"id":1},{"id":2,"_miroir_slot":"x"}]'],
  ['CSV with a short record', 'text/csv', `${csv}4,x\n`],
  ['no documents', 'application/json', '[]'],
];

describe('a pod that puts bodies into files', () => {
  let fleets: FleetForTest[];
  let pods: PodForTest[];

  beforeAll(async () => {
    const spooling = { MIROIR_SPOOL_BYTES: '1024' };
    fleets = [await fleetForTest(), await fleetForTest({ env: spooling })];
    pods = await Promise.all(fleets.map((fleet) => fleet.pod()));
  }, 60_000);
  afterAll(async () => {
    await Promise.all(fleets.map((fleet) => fleet.close()));
  });

  /** So long that it is over the bound; the blanks change nothing. */
  const lengthened = (body: string): string => `${' '.repeat(1_500)}${body}`;

  test.each(payloads.map((one, i) => [one[0], i, one] as const))(
    '%s',
    async (_, i, [, type, body]) => {
      const uid = `payload-${String(i)}`;
      const sent = type === 'text/csv' ? `${body}${'\n'.repeat(1_500)}` : lengthened(body);
      const [one, many] = await Promise.all(
        pods.map(async (pod) => {
          const path = `/indexes/${uid}/documents?primaryKey=id`;
          const answer = await pod.send('POST', path, sent, { 'content-type': type });
          if (answer.status !== 202) return { answer: answer.body };
          const { details, error, status } = await pod.task(answer.body['taskUid']);
          const stored = await pod.send('GET', `/indexes/${uid}/documents`);
          return { details, error, status, stored: stored.text };
        }),
      );
      expect(many).toEqual(one);
    },
  );

  test('the same key with the same body is one write, and with another body is refused', async () => {
    const pod = pods[1] as PodForTest;
    const send = async (body: string): Promise<{ status: number; uid: unknown }> => {
      const headers = { 'content-type': 'application/json', 'idempotency-key': 'k1' };
      const path = '/indexes/repeated/documents?primaryKey=id';
      const answer = await pod.send('POST', path, lengthened(body), headers);
      return { status: answer.status, uid: answer.body['taskUid'] };
    };
    const first = await send('[{"id":1}]');
    expect(await send('[{"id":1}]')).toEqual(first);
    expect((await send('[{"id":2}]')).status).toBe(409);
  });
});

describe('the memory of a pod', () => {
  let server: Server;
  let node: RunningEmbeddedNode;
  let dataDir = '';
  let received = 0;
  let child: ChildProcess;
  let url = '';
  const masterKey = 'the-key-of-clients-under-test';

  /** An embedded node that gets an empty list in the place of each streamed body, which is counted. */
  beforeAll(async () => {
    const key = 'the-key-of-a-counting-node';
    dataDir = await mkdtemp(join(tmpdir(), 'miroir-counting-'));
    node = await startEmbeddedNode({ port: 0, host: '127.0.0.1', masterKey: key, dataDir });
    server = createServer((request, response) => {
      const isStreamed = request.headers['transfer-encoding'] !== undefined;
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => {
        if (isStreamed) received += chunk.length;
        else chunks.push(chunk);
      });
      request.on('end', () => {
        const body = isStreamed ? Buffer.from('[]') : Buffer.concat(chunks);
        // The last requests of a pod that is killed reach a node that is closing.
        forward(request, body, response).catch(() => response.destroy());
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const fleet = await fleetForTest({
      external: { urls: [`http://127.0.0.1:${String(port)}`], key },
      replicationFactor: 1,
    });
    const env = { ...process.env, ...fleet.env, MIROIR_MASTER_KEY: masterKey };
    child = spawn(process.execPath, [join(builtForTest(), 'api', 'main.js')], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout as Readable, 'data')) as [Buffer];
    url = (JSON.parse(line.toString()) as { url: string }).url;
    await fleet.close();
  }, 60_000);
  afterAll(async () => {
    child.kill('SIGKILL');
    server.closeAllConnections();
    server.close();
    await node.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  async function forward(
    { method = 'GET', url: path = '', headers }: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
  ): Promise<void> {
    const answer = await fetch(node.url + path, {
      method,
      headers: {
        authorization: headers.authorization ?? '',
        ...(body.length > 0 ? { 'content-type': 'application/json' } : {}),
      },
      ...(body.length > 0 ? { body } : {}),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(bytes);
  }

  const formats = {
    'application/x-ndjson': {
      head: '',
      line: (id: number) => `{"id":${String(id)},"t":"${text}"}\n`,
    },
    'application/json': {
      head: '[{"id":"first"}',
      line: (id: number) => `,{"id":${String(id)},"t":"${text}"}`,
    },
    'text/csv': { head: 'id,t\n', line: (id: number) => `${String(id)},${text}\n` },
  };
  const text = 'lorem ipsum dolor '.repeat(110);

  function* bytesOf(type: keyof typeof formats, size: number): Generator<Buffer> {
    const { head, line } = formats[type];
    yield Buffer.from(head);
    for (let sent = 0, id = 0; sent < size;) {
      const lines = Array.from({ length: 100 }, () => line(id++)).join('');
      sent += lines.length;
      yield Buffer.from(lines);
    }
    if (type === 'application/json') yield Buffer.from(']');
  }

  const peakMb = (): number => {
    const status = readFileSync(`/proc/${String(child.pid)}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  };

  async function upload(type: keyof typeof formats, size: number): Promise<void> {
    const before = received;
    const answer = await fetch(`${url}/indexes/big/documents?primaryKey=id`, {
      method: 'POST',
      headers: { authorization: `Bearer ${masterKey}`, 'content-type': type },
      body: Readable.toWeb(Readable.from(bytesOf(type, size))) as unknown as string,
      ...({ duplex: 'half' } as object),
    });
    expect({ type, status: answer.status, body: await answer.text() }).toMatchObject({
      status: 202,
    });
    await waitFor(async () => received - before >= size, { what: 'all bytes', deadlineMs: 20_000 });
  }

  test('99 MB take little more of it than 25 MB, in each format', async () => {
    for (const type of Object.keys(formats) as (keyof typeof formats)[]) await upload(type, 25e6);
    const small = peakMb();
    for (const type of Object.keys(formats) as (keyof typeof formats)[]) await upload(type, 99e6);
    const large = peakMb();
    process.stdout.write(
      `peak: ${small.toFixed()} MB for 25 MB, ${large.toFixed()} MB for 99 MB\n`,
    );
    // Held in memory, 74 MB more would be there twice: as they came, and as the parts of the nodes.
    expect(large - small).toBeLessThan(140);
  }, 120_000);
});
