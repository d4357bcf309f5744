/**
 * Goal: who does what the pages on the life of an index say, command by command, gets what they say.
 * Method: the commands of each page are typed into a shell against a running fleet, in their order, each when the
 * tasks of the one before are over. Names that a page takes for given are made before; what stands for a name
 * that only the reader knows is filled in. Output that a page shows is compared without its figures.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Operation } from '../../cli/operations';
import { startFleet } from '../../local/fleet';
import type { RunningFleet } from '../../local/fleet';
import { builtForTest } from '../support/built';
import { dumpOf } from '../support/dump-files';
import { s3Credentials, startS3 } from '../support/s3-server';
import type { S3ForTest } from '../support/s3-server';
import { waitFor } from '../support/wait-for';
import { PageReader } from './page-reader';
import type { Page } from './page-reader';

const deadlineMs = 120_000;
jest.setTimeout(3 * deadlineMs);

const directory = mkdtempSync(join(tmpdir(), 'miroir-pages-'));
const dumps = join(directory, 'dumps');
/** As the page names one. */
const named = join(dumps, '20260101-120000000.dump');
let s3: S3ForTest;
let fleet: RunningFleet;
let reader: PageReader;

beforeAll(async () => {
  process.env['MIROIR_BUILT'] = builtForTest();
  s3 = await startS3(['my-bucket']);
  fleet = await startFleet({
    ...{ nodes: 2, replicationFactor: 2 },
    settings: {
      MIROIR_CANARY_CAPTURE_PER_MILLE: '1000',
      MIROIR_BACKUPS_LOCATION: join(directory, 'backups'),
      MIROIR_DUMPS_LOCATION: dumps,
      MIROIR_S3_ENDPOINT: s3.url,
      MIROIR_S3_PATH_STYLE: 'true',
      AWS_ACCESS_KEY_ID: s3Credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3Credentials.secretAccessKey,
      MIROIR_REQUEST_DEADLINE_MS: '3000',
      MIROIR_NODE_DEADLINE_MS: '2500',
      MIROIR_FENCE_MAX_MS: '2000',
    },
  });
  reader = new PageReader(fleet, directory);
}, 120_000);
afterAll(async () => {
  await fleet.close();
  await s3.close();
  rmSync(directory, { recursive: true, force: true });
}, 30_000);

/** What prose names without its operation or index, and what is typed while a scheduled run goes on. */
const isMention = (command: string): boolean =>
  /[<…|]/.test(command.replace(/<<'\w+'/, '')) ||
  /^miroir (ops( \w+)?|settings show|ops watch ttl\/all|\w+)$/.test(command);

const newestImport = async (): Promise<string> => {
  const { results } = await reader.api.get<{ results: Operation[] }>(
    '/_miroir/operations?kind=import',
  );
  return (results[0]?.id ?? '').replace('import/', '');
};

const pages: readonly Page[] = [
  {
    name: 'settings',
    given: () => reader.index('films', [{ id: 1, title: 'Alien', year: 1979 }]),
    // A node that drifted.
    notSeen: [1],
  },
  {
    name: 'aliases',
    given: async () => {
      for (const uid of ['products-v1', 'products-v2', 'books']) await reader.index(uid, []);
      await reader.api.put('/_miroir/aliases/products', { target: 'products-v1' });
    },
    expected: [[/^miroir alias show products$/, /products-v/]],
  },
  {
    name: 'rollover',
    expected: [
      [/curl .*logs-read\/search/, /"estimatedTotalHits":2/],
      [/^miroir rollover list/, /logs +1 +runs/],
      [/^miroir rollover backfill/, /1 runs are started/],
    ],
    // The last run here is that of the backfill, which had nothing to do.
    notSeen: [1],
  },
  {
    name: 'ttl',
    given: async () => {
      await reader.index('offers', []);
      await reader.index('sessions', []);
    },
    expected: [
      [/^miroir ttl show offers +# one is expired/, /offers +yes +never +1 +never/],
      [/^miroir ttl show offers +# one was deleted/, /offers +yes +never +0 .* 1 +1\n/],
    ],
  },
  {
    name: 'canaries',
    given: async () => {
      const titles = ['The Godfather', 'The Godfather II', 'The Godfather III'];
      await reader.index(
        'films',
        titles.map((title, at) => ({ id: [1234, 1240, 1250][at], title })),
      );
      await reader.api.post('/indexes/films/search', { q: 'godfather' });
    },
    async fill(command) {
      if (command === 'miroir canary set NAME FILE') {
        return 'miroir canary set godfather godfather.json';
      }
      if (!command.includes('34ec6f9c598a9a0f')) return command;
      const kept = await waitFor(
        async () => {
          const { results } = await reader.api.get<{ results: { id: string }[] }>(
            '/_miroir/captured-queries',
          );
          return results[0]?.id;
        },
        { what: 'the search to be kept', deadlineMs },
      );
      return command.replace('34ec6f9c598a9a0f', kept);
    },
    expected: [[/^miroir canary run godfather --wait$/, /Green/]],
    // A canary that turned red.
    notSeen: [0],
  },
  {
    name: 'dumps',
    async given() {
      const documents = '{"id":1,"title":"one"}\n{"title":"no id"}\n';
      const dump = await dumpOf([{ uid: 'movies', primaryKey: 'id', documents }]);
      writeFileSync(join(directory, 'films.dump'), dump);
      mkdirSync(dumps, { recursive: true });
      copyFileSync(join(directory, 'films.dump'), named);
      (s3.objects as Map<string, Buffer>).set('my-bucket/films.dump', dump);
    },
    async fill(command) {
      // Each of the ways to import brings the same index.
      if (command.includes('dump import')) await reader.deleteIndexes('movies');
      // It would serve until it is stopped.
      if (command.startsWith('meilisearch ')) return null;
      // The one before was deleted, as the page says how.
      if (command.includes('dump fetch')) copyFileSync(join(directory, 'films.dump'), named);
      return command
        .replace('5d062b2c-c949', await newestImport())
        .replace('NAME FILE', '20260101-120000000.dump other.dump')
        .replace('NAME', '20260101-120000000.dump');
    },
    expected: [[/^miroir dump import .*--wait/, /1 documents imported[^]*1 were set aside/]],
  },
  {
    name: 'backups',
    async given() {
      await reader.deleteIndexes();
      await reader.index('films', [{ id: 1, title: 'Alien' }]);
    },
    async fill(command) {
      if (/restore ID --(wait|dry-run)/.test(command)) await reader.deleteIndexes();
      const { results } = await reader.api.get<{ results: { id: string }[] }>('/_miroir/backups');
      return command.replace(/\bID\b/, results.at(-1)?.id ?? '');
    },
    expected: [
      [/^miroir backup restore .*--wait/, /1 documents imported/],
      [/^miroir backup schedule list$/, /backup +operator +runs +1d +7/],
      [/^miroir backup drill --wait/, /holds: 1 documents/],
    ],
  },
];

test.each(pages)('$name', async (page) => {
  const { fill = (command: string) => command } = page;
  await reader.read({ ...page, fill: (command) => (isMention(command) ? null : fill(command)) });
});
