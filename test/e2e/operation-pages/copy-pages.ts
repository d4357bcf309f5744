import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '../page-reader';
import type { Yard } from './yard';
import { documents } from './yard';

/** Two nodes with one copy of everything; the pages on copies, groups of them, and shards. */
export function copyPages(yard: Yard): readonly Page[] {
  const copiesOf = async (index: string): Promise<number | undefined> =>
    (await yard.index(index))?.replicationFactor;
  const shardsOf = async (index: string): Promise<number | undefined> =>
    (await yard.index(index))?.shardCount;
  const run = async (kind: string, index: string): Promise<string> =>
    `${kind}/${(await yard.index(index))?.physicalUid ?? ''}`;
  const nodes = async (): Promise<string[]> => (await yard.topology()).nodes.map(({ id }) => id);
  const stale = async (): Promise<number> => (await yard.node('meili-1'))?.replicas['stale'] ?? 0;
  const missesWrites = async (): Promise<void> => {
    await yard.fleet.killNode('meili-1');
    await yard.api.post('/indexes/products/documents', documents(100));
    await yard.until('copies to be stale', async () => (await stale()) > 0);
    await yard.fleet.restartNode('meili-1');
    await yard.until('the node to be up', async () => {
      return (await yard.node('meili-1'))?.health.state === 'up';
    });
    await yard.reader.tasksAreOver();
  };
  const pair = (first: number): string =>
    `meili-${first}=http://meili-${first}:7700 meili-${first + 1}=http://meili-${first + 1}:7700`;

  return [
    {
      name: 'replication',
      async given() {
        await yard.reader.index('products', documents(200));
        await yard.reader.index('films', documents(20));
      },
      async fill(command) {
        if (command.includes('watch'))
          return command.replace('<id>', await run('replication', 'products'));
        if (!command.includes('cancel')) return command.replace('<id>', 'replication/all');
        await yard.does('miroir replication 1 --index films --yes --wait');
        await yard.does('miroir replication 2 --index films --documents-per-second 1 --yes');
        await yard.syncing('copy');
        return command.replace('<id>', await run('replication', 'films'));
      },
      expected: [
        [/--dry-run/, /copy +products +meili-0 +meili-1/],
        [/--index products --yes/, async () => expect(await copiesOf('products')).toBe(2)],
        [/^miroir replication 2 --yes/, async () => expect(await copiesOf('films')).toBe(2)],
        [
          /^miroir ops cancel/,
          async () => {
            await yard.ended(await run('replication', 'films'), 'canceled');
            expect(await copiesOf('films')).toBe(1);
          },
        ],
        [
          /^miroir ops reverse/,
          async () => {
            await yard.approves('replication/all');
            await yard.ended('replication/all');
            expect([await copiesOf('films'), await copiesOf('products')]).toEqual([1, 2]);
          },
        ],
      ],
    },
    {
      name: 'repair',
      async given() {
        await yard.reader.deleteIndexes('films');
        await missesWrites();
      },
      async fill(command) {
        if (/^miroir repair products --yes/.test(command)) await missesWrites();
        if (command === 'miroir ops cancel repair/meili-1') {
          await missesWrites();
          await yard.does('miroir nodes repair meili-1 --documents-per-second 1 --yes');
          await yard.syncing('copy');
        }
        if (command.startsWith('miroir nodes rebuild')) {
          await yard.fleet.killNode('meili-1');
          rmSync(join(yard.fleet.directory, 'nodes', 'meili-1'), { recursive: true });
          await yard.fleet.restartNode('meili-1');
          await yard.until('the node to be strange', async () => {
            return (await yard.node('meili-1'))?.health.state === 'new';
          });
        }
        // It is over; that it could have been canceled before is tried where its phases are.
        return command === 'miroir ops cancel rebuild/meili-1' ? `! ${command}` : command;
      },
      expected: [
        [/--dry-run/, /copy +products +meili-0 +meili-1/],
        [
          /^miroir (nodes repair meili-1|repair products) --yes/,
          async () => expect(await stale()).toBe(0),
        ],
        [
          /^miroir ops cancel repair/,
          async () => {
            await yard.ended('repair/meili-1', 'canceled');
            expect(await stale()).toBeGreaterThan(0);
          },
        ],
        [
          /^miroir nodes rebuild/,
          async () => {
            expect(await yard.node('meili-1')).toMatchObject({
              ...{ health: { state: 'up' }, replicas: { stale: 0, 'in-sync': 8 } },
            });
          },
        ],
      ],
    },
    {
      name: 'groups',
      async fill(command) {
        if (command === 'miroir nodes add --group') return null;
        if (command.includes('--lost')) {
          await yard.does(`miroir groups add ${pair(4)} --yes --wait`);
          await yard.fleet.killNode('meili-4');
          await yard.fleet.killNode('meili-5');
        }
        if (command === 'miroir ops watch add-group/1') {
          await yard.does(`miroir groups add ${pair(6)} --yes`);
        }
        if (command === 'miroir groups list') return `${command} | grep -w 'meili-6,meili-7'`;
        if (command === 'miroir ops cancel add-group/1') {
          await yard.does('miroir groups remove 1 --yes --wait');
          await yard.does(`miroir groups add ${pair(6)} --documents-per-second 1 --yes`);
          await yard.syncing('copy');
        }
        if (command.startsWith('miroir ops reverse')) {
          await yard.does(`miroir groups add ${pair(6)} --yes --wait`);
        }
        return command;
      },
      expected: [
        [/^miroir groups add .*--dry-run/, /copy +products +meili-\d +meili-4/],
        [
          /^miroir groups add .*--wait/,
          async () => {
            expect(await nodes()).toEqual(['meili-0', 'meili-1', 'meili-4', 'meili-5']);
            expect(await yard.node('meili-4')).toMatchObject({ group: 1, zone: 'b' });
          },
        ],
        [/^miroir groups remove 1 --dry-run/, /drop +products +meili-4/],
        [/^miroir groups remove 1 .*--wait/, async () => expect(await nodes()).toHaveLength(2)],
        [
          /^miroir ops cancel/,
          async () => {
            await yard.ended('add-group/1', 'canceled');
            expect(await nodes()).toHaveLength(2);
          },
        ],
        [
          /^miroir ops reverse/,
          async () => {
            await yard.approves('remove-group/1');
            await yard.ended('remove-group/1');
            expect(await nodes()).toHaveLength(2);
          },
        ],
      ],
    },
    {
      name: 'reshard',
      async fill(command) {
        if (command.includes('cancel')) {
          // Pieces that lie apart are brought together before the number changes.
          await yard.doesApproved(
            'miroir replication 1 --index products',
            await run('replication', 'products'),
          );
          await yard.does('miroir reshard products 1 --documents-per-second 1 --yes');
          await yard.syncing('copy');
        }
        if (command.includes('reverse')) await yard.does('miroir reshard products 32 --yes --wait');
        return command.replace('<id>', await run('reshard', 'products'));
      },
      expected: [
        [/--yes --wait/, async () => expect(await shardsOf('products')).toBe(128)],
        [/^miroir reshard products +#/, /products: 128 shards[^]*reshard\/products-\w+: succeeded/],
        [
          /^miroir ops cancel/,
          async () => {
            await yard.ended(await run('reshard', 'products'), 'canceled');
            expect(await shardsOf('products')).toBe(128);
          },
        ],
        [
          /^miroir ops reverse/,
          async () => {
            await yard.approves(await run('reshard', 'products'));
            await yard.ended(await run('reshard', 'products'));
            expect(await shardsOf('products')).toBe(128);
          },
        ],
      ],
    },
  ];
}
