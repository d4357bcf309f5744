/**
 * Goal: documents are edited by a function on every copy, and none loses its hidden fields.
 * Method: (1) three embedded nodes behind proxies that answer for the language, which these do not
 * speak: what each node is sent, and what becomes of the task. (2) Where MEILISEARCH_BIN names a real
 * one, three of them: what functions that try to drop or forge hidden fields do to documents.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JsonValue } from '../../../core/fleet';
import { startNodes } from '../../activities/nodes-for-test';
import { fakeNode, json } from '../../support/fake-node';
import type { FakeNode } from '../../support/fake-node';
import { fleetForTest } from '../support';
import type { FleetForTest, PodForTest } from '../support';

type JsonObject = Record<string, JsonValue>;

const on = { editDocumentsByFunction: true };
const key = 'a-master-key-of-nodes-in-tests';
const binary = process.env['MEILISEARCH_BIN'] ?? '';

interface Running {
  readonly fleet: FleetForTest;
  readonly pod: PodForTest;
  close(): Promise<void>;
}

async function run(
  kind: 'embedded' | 'real',
  proxy: (url: string) => Promise<FakeNode | null>,
): Promise<Running> {
  const started = await startNodes(3, kind, key);
  const proxies = await Promise.all(started.nodes.map(({ url }) => proxy(url)));
  const urls = proxies.map((one, i) => one?.url ?? started.nodes[i]?.url ?? '');
  const fleet = await fleetForTest({ external: { urls, key } });
  const pod = await fleet.pod();
  await pod.write('PATCH', '/indexes/books/settings', { filterableAttributes: ['n'] });
  const books = Array.from({ length: 12 }, (_, n) => ({ id: n, n, title: `book ${String(n)}` }));
  await pod.write('POST', '/indexes/books/documents?primaryKey=id', books);
  return {
    fleet,
    pod,
    close: async () => {
      await fleet.close();
      await Promise.all(proxies.map(async (one) => await one?.close()));
      await started.close();
    },
  };
}

const edit = '/indexes/books/documents/edit';

describe('over nodes that tell what they are sent', () => {
  let running: Running;
  let pod: PodForTest;
  const sent: JsonObject[] = [];

  beforeAll(async () => {
    running = await run('embedded', speaking(sent));
    pod = running.pod;
  }, 60_000);
  afterAll(async () => {
    await running.close();
  });

  test('the feature is off until it is switched on', async () => {
    const off = await pod.send('POST', edit, { function: 'doc.a = 1' });
    expect([off.status, off.body['code']]).toEqual([400, 'feature_not_enabled']);
    const switched = await pod.send('PATCH', '/experimental-features', on);
    expect(switched.body['editDocumentsByFunction']).toBe(true);
  });

  test('each node runs it once, wrapped, over the shards that it writes', async () => {
    sent.length = 0;
    const body = { function: 'doc.a = context.b', context: { b: 1 }, filter: 'n > 3' };
    const task = await pod.write('POST', edit, body, {});
    expect([task['status'], task['type'], Object.keys(task['details'] ?? {})]).toEqual([
      'succeeded',
      'documentEdition',
      ['deletedDocuments', 'editedDocuments', 'originalFilter', 'context', 'function'],
    ]);
    const { function: text, context } = body;
    expect(task['details']).toMatchObject({ function: text, context, originalFilter: '"n > 3"' });
    expect(sent).toHaveLength(3);
    for (const one of sent) {
      expect(one['context']).toEqual({ b: 1 });
      expect(String(one['function']).split('\n')[1]).toBe(body.function);
      expect(JSON.stringify(one['filter'])).toContain('n > 3');
    }
  });

  test.each<[string, unknown, number, string]>([
    ['no function', {}, 400, 'missing_document_edition_function'],
    ['another type', { function: 1 }, 400, 'invalid_document_edition_function_filter'],
    ['an unknown member', { function: 'x', filtr: 'a' }, 400, 'bad_request'],
    [
      'a context that is no object',
      { function: 'x', context: [] },
      400,
      'invalid_document_edition_context',
    ],
    ['an empty filter', { function: 'x', filter: '' }, 400, 'invalid_document_filter'],
    ['a filter that is none', { function: 'x', filter: 'n =' }, 400, 'invalid_document_filter'],
    ['what does not compile', { function: 'broken }' }, 400, 'bad_request'],
    ['a function inside', { function: 'fn f() {}' }, 400, 'miroir_not_supported'],
    [
      'a huge context',
      { function: 'x', context: { a: 'b'.repeat(300_000) } },
      413,
      'payload_too_large',
    ],
  ])('%s is refused before a task is made', async (_, body, status, code) => {
    const answer = await pod.send('POST', edit, body);
    expect([answer.status, answer.body['code']]).toEqual([status, code]);
  });

  test('of an index that is not there, or by a hidden field, the task fails', async () => {
    const body = { function: 'doc.a = 1' };
    const nowhere = await pod.write('POST', '/indexes/nowhere/documents/edit', body);
    expect(nowhere['error']).toMatchObject({ code: 'index_not_found' });
    const hidden = await pod.write('POST', edit, { ...body, filter: '_miroir_bucket EXISTS' });
    expect(hidden['error']).toMatchObject({ code: 'invalid_document_filter' });
  });

  test('a key of documents is not enough: it takes one that may do all', async () => {
    const made = await pod.send('POST', '/keys', {
      actions: ['documents.*'],
      indexes: ['*'],
      expiresAt: null,
    });
    const authorization = `Bearer ${String(made.body['key'])}`;
    const answer = await pod.send('POST', edit, { function: 'doc.a = 1' }, { authorization });
    expect(answer.status).toBe(403);
  });
});

/**
 * Answers for the language: `}` does not compile, a function inside a block neither. An edit becomes a
 * deletion of no document, so that there is a task; all else goes to the node.
 */
function speaking(sent: JsonObject[]): (url: string) => Promise<FakeNode> {
  return async (url) =>
    await fakeNode((request, response) => {
      if (request.url?.includes('/documents/edit') !== true)
        return void pass(url, request, response);
      const body = JSON.parse(request.body) as JsonObject;
      const text = String(body['function']);
      const wrapped = text.includes('let miroir_edit_0');
      if (text === 'broken }' || (wrapped && text.includes('fn f()'))) {
        json(response, 400, { code: 'bad_request', message: 'Syntax error (line 1, position 1)' });
      } else if (body['context'] === 0) {
        json(response, 400, { code: 'invalid_document_edition_context', message: '' });
      } else {
        sent.push(body);
        request.url = request.url.replace('/edit', '/delete-batch');
        void pass(url, Object.assign(request, { body: '[]' }), response);
      }
    });
}

async function pass(
  url: string,
  request: IncomingMessage & { body: string },
  response: ServerResponse,
): Promise<void> {
  const { authorization = '', 'content-type': type } = request.headers;
  const answer = await fetch(`${url}${request.url ?? ''}`, {
    method: request.method ?? 'GET',
    headers: { authorization, ...(type === undefined ? {} : { 'content-type': type }) },
    ...(request.body === '' ? {} : { body: request.body }),
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(bytes);
}

if (binary !== '') {
  describe('over real nodes', () => {
    let running: Running;
    let pod: PodForTest;

    beforeAll(async () => {
      running = await run('real', () => Promise.resolve(null));
      pod = running.pod;
      await pod.send('PATCH', '/experimental-features', on);
    }, 120_000);
    afterAll(async () => {
      await running.close();
    });

    const apply = async (text: string, more: object = {}): Promise<JsonObject> =>
      await pod.write('POST', edit, { function: text, ...more });
    const all = async (): Promise<JsonObject[]> => {
      const { body } = await pod.send('GET', '/indexes/books/documents?limit=100');
      return body['results'] as JsonObject[];
    };

    test('fields are changed, by filter and context, and all documents are still found', async () => {
      const task = await apply('doc.price = doc.n * context.factor', {
        context: { factor: 3 },
        filter: 'n >= 10',
      });
      expect(task['details']).toMatchObject({ editedDocuments: 2, deletedDocuments: 2 });
      const found = await all();
      expect(found.map(({ price }) => price ?? null)).toEqual([
        ...Array<null>(10).fill(null),
        30,
        33,
      ]);
    }, 60_000);

    test.each([
      ['a new map', 'doc = #{id: doc.id, n: doc.n, title: "new"}'],
      [
        'a map without members',
        'let id = doc.id; let n = doc.n; doc.clear(); doc.id = id; doc.n = n;',
      ],
      ['members that are kept', 'doc.retain(|k, v| k == "id" || k == "n")'],
      ['a forged bucket', 'doc._miroir_bucket = "zz"; doc._miroir_other = 1;'],
      ['a removed place', 'doc.remove("_miroir_seq"); // and a comment'],
      ['a return', 'if doc.n > 3 { return; } doc.seen = true;'],
    ])(
      '%s: every document keeps its hidden fields',
      async (_, text) => {
        expect((await apply(text))['status']).toBe('succeeded');
        const found = await all();
        expect(found.map(({ n }) => n)).toEqual(Array.from({ length: 12 }, (_one, n) => n));
        expect(JSON.stringify(found)).not.toContain('_miroir_');
      },
      60_000,
    );

    test('what does not compile is refused with the words of the engine', async () => {
      const answer = await pod.send('POST', edit, { function: 'doc.a = ;' });
      expect([answer.status, answer.body['code']]).toEqual([400, 'bad_request']);
      expect(answer.body['message']).toMatch(/line 1, position 9/);
      const escaping = await pod.send('POST', edit, { function: '}; doc = (); let x = || {' });
      expect([escaping.status, escaping.body['code']]).toEqual([400, 'bad_request']);
      const inner = await pod.send('POST', edit, { function: 'fn f(x) { x }\n doc.a = f(1);' });
      expect([inner.status, inner.body['code']]).toEqual([400, 'miroir_not_supported']);
    });

    test('an error while it runs is told with the place in the text of the client', async () => {
      const task = await apply('let a = 1;\nthrow "no";');
      expect(task['status']).toBe('failed');
      expect(JSON.stringify(task['error'])).toContain('line 2, position 1');
      expect(JSON.stringify(task['error'])).not.toContain('miroir');
    }, 60_000);

    test('documents set to () are deleted on every copy', async () => {
      await apply('if doc.n < 4 { doc = () }');
      expect((await all()).map(({ n }) => n)).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
    }, 60_000);
  });
}
