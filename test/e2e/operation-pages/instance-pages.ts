import IORedis from 'ioredis';
import { ApiClient } from '../../../cli/client';
import type { Operation } from '../../../cli/operations';
import { startNodes } from '../../activities/nodes-for-test';
import type { Page } from '../page-reader';
import { weightsPage } from './weights-page';
import type { Yard } from './yard';
import { documents } from './yard';

/** Three nodes with two copies of everything; the pages on what comes from outside, goes there, or is lost. */
export function instancePages(yard: Yard): readonly Page[] {
  const indexes = async (): Promise<string[]> =>
    (await yard.topology()).indexes.map(({ uid }) => uid).sort();
  const films = documents(60).map((film, at) => ({ ...film, year: 1960 + at }));
  let others: { readonly url: string; readonly api: ApiClient; close(): Promise<void> };
  const startOthers = async (): Promise<void> => {
    const { masterKey } = yard.fleet;
    const started = await startNodes(2, 'embedded', masterKey);
    const [source, target] = started.nodes.map(({ url }) => url);
    const api = new ApiClient({ api: source ?? '', masterKey, adminKey: '' });
    others = { url: target ?? '', api, close: () => started.close() };
  };
  /** The operator restarts each node when he is asked to. */
  const restartsNodes = async (): Promise<void> => {
    for (const node of ['meili-0', 'meili-1', 'meili-2']) {
      await yard.asks('upgrade/nodes', new RegExp(`^restart of ${node}`));
      await yard.fleet.killNode(node);
      await yard.fleet.restartNode(node);
      await yard.does('miroir ops proceed upgrade/nodes');
    }
  };
  let meanwhile = Promise.resolve();

  return [
    {
      name: 'upgrade',
      given: () => yard.reader.index('films', films),
      async fill(command) {
        if (command.includes('--dry-run')) return command.replace('meili-4', 'meili-0');
        // The version here is the newest one.
        if (command.startsWith('miroir nodes upgrade')) return command.replace('--to 1.50.1 ', '');
        if (command.startsWith('miroir ops watch')) meanwhile = restartsNodes();
        // Said when the run asks for it.
        if (command.startsWith('miroir ops proceed')) return null;
        if (command.startsWith('miroir ops pause')) {
          await yard.does('miroir nodes upgrade --yes');
          await yard.asks('upgrade/nodes', /^restart of/);
        }
        return command;
      },
      expected: [
        [/^miroir nodes upgrade --to .*--dry-run/, /meili-0 +0 +1\.50\.0[^]*meili-1/],
        [/^miroir ops watch/, async () => await meanwhile.then(() => yard.ended('upgrade/nodes'))],
        [/^miroir ops show/, /upgrade\/nodes: succeeded/],
        [
          /^miroir ops cancel/,
          async () => {
            await yard.ended('upgrade/nodes', 'canceled');
            expect((await yard.topology()).nodes.filter(({ resting }) => resting)).toEqual([]);
          },
        ],
      ],
    },
    weightsPage(yard),
    {
      name: 'anti-entropy',
      expected: [
        [/ run /, /equal: \d+ documents in \d+ shards of 1 indexes, 0 differences/],
        [/ report/, /0 differences/],
      ],
      typedAtLeast: 4,
    },
    {
      name: 'export',
      async given() {
        await startOthers();
        await yard.api.patch('/indexes/films/settings', { filterableAttributes: ['year'] });
        await yard.reader.tasksAreOver();
      },
      async fill(command) {
        if (command.startsWith('export MIROIR_TARGET_KEY')) {
          yard.reader.env['MIROIR_TARGET_KEY'] = yard.fleet.masterKey;
          return null;
        }
        // Over before it could be canceled.
        if (command.startsWith('miroir ops cancel')) return null;
        const { results } = await yard.api.get<{ results: Operation[] }>(
          '/_miroir/operations?kind=export',
        );
        return command
          .replace('https://search.example.com', others.url)
          .replace('"apiKey": "..."', `"apiKey": "${yard.fleet.masterKey}"`)
          .replace('export/<task>', results[0]?.id ?? '');
      },
      expected: [
        [
          /^miroir export .*com --wait/,
          async () => {
            const target = new ApiClient({
              api: others.url,
              masterKey: yard.fleet.masterKey,
              adminKey: '',
            });
            const path = '/indexes/films/stats';
            await yard.until('the documents', async () => {
              const { numberOfDocuments } = await target.get<{ numberOfDocuments: number }>(path);
              return numberOfDocuments === films.length;
            });
          },
        ],
        [/^curl/, /"type":"export"/],
      ],
      typedAtLeast: 4,
    },
    {
      name: 'migrate',
      async given() {
        for (const uid of ['products', 'users', 'orders']) {
          await others.api.post('/indexes', { uid, primaryKey: 'id' });
          await others.api.post(`/indexes/${uid}/documents`, documents(30));
        }
      },
      async fill(command) {
        if (command.startsWith('export MIROIR_SOURCE_KEY')) {
          yard.reader.env['MIROIR_SOURCE_KEY'] = yard.fleet.masterKey;
          return null;
        }
        const { results } = await yard.api.get<{ results: Operation[] }>(
          '/_miroir/operations?kind=migration',
        );
        const id = results[0]?.id ?? '';
        if (command.startsWith('miroir ops watch')) {
          meanwhile = yard
            .asks(id, /./)
            .then(() => yard.does(`miroir ops proceed ${id}`))
            .then(() => undefined);
        }
        if (/^miroir ops proceed/.test(command)) return null;
        if (/^miroir ops throttle/.test(command)) {
          await yard.does(`miroir migrate ${others.api.url} --index orders --yes`);
          await yard.asks(id, /./);
        }
        return command
          .replace('http://old:7700', others.api.url)
          .replace(/migration\/http~\S+/, id)
          .replace('<id>', id);
      },
      expected: [
        [/--dry-run/, /products +30[^]*users +30/],
        [
          /^miroir ops watch/,
          async () => {
            await meanwhile;
            expect(await indexes()).toEqual(['films', 'products', 'users']);
          },
        ],
        [
          /^miroir ops cancel/,
          async () => expect(await indexes()).toEqual(['films', 'products', 'users']),
        ],
      ],
    },
    {
      name: 'simulate',
      expected: [
        [/add-node meili-3/, /meili-3 +0 /],
        [/drain-node meili-1/, /meili-1 .* 0 /],
      ],
    },
    {
      name: 'recover',
      async given() {
        await others.close();
        const redis = new IORedis(yard.fleet.redis);
        await redis.flushall();
        await redis.quit();
        const write = yard.api.post('/indexes/films/documents', films);
        await expect(write).rejects.toMatchObject({ code: 'miroir_state_lost' });
        const answer = await yard.api.post('/indexes/films/search', {});
        expect(answer).toMatchObject({ estimatedTotalHits: films.length });
      },
      expected: [
        [/^miroir recover --dry-run/, /indexes +films products users/],
        [
          /^miroir recover --why/,
          async () => expect(await indexes()).toEqual(['films', 'products', 'users']),
        ],
        [/^miroir anti-entropy/, /0 differences/],
      ],
      typedAtLeast: 3,
    },
  ];
}
