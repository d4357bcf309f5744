import type { Page } from '../page-reader';
import type { Yard } from './yard';
import { documents } from './yard';

/** Three nodes with two copies of everything; the pages on single nodes, and those that only look. */
export function nodePages(yard: Yard): readonly Page[] {
  const intent = async (id: string): Promise<string | undefined> => (await yard.node(id))?.intent;
  return [
    {
      name: 'operations',
      given: () => yard.reader.index('films', documents(600)),
      async fill(command) {
        const id = 'drain-node/meili-1';
        if (/ops$/.test(command)) return null;
        if (/approve/.test(command)) await yard.planned(id);
        // Slow, so that it goes on until it is canceled.
        if (/throttle/.test(command)) return command.replace('100', '10');
        if (/--why/.test(command))
          return command.replace('--why', '--documents-per-second 10 --why');
        // The example was canceled, so following it ends as a command that failed.
        return command.replace('<id>', id).replace(/^miroir ops watch/, '! $&');
      },
      expected: [
        [/^miroir nodes drain .*--dry-run/, /move +films +meili-1[^]*\d+ documents/],
        [/^miroir nodes drain .*--why/, /Waiting for approval: miroir ops approve drain-node/],
        [/^miroir ops show drain/, /waiting for: an approval of the plan/],
        [/^miroir ops queue/, /operation +state +groups/],
        [
          /^miroir ops cancel/,
          async () => {
            await yard.ended('drain-node/meili-1', 'canceled');
            expect(await intent('meili-1')).toBe('active');
          },
        ],
        [/^miroir ops list/, /drain-node\/meili-1 +canceled/],
      ],
    },
    {
      name: 'placement',
      given: () => yard.reader.index('other', documents(1)),
      fill: (command) => command.replace('tt0113277', '7').replace('--shard 12', '--shard 7'),
      expected: [
        [/explain films --document/, /document 7: slot[^]*read now: meili/],
        [/preview films --drain meili-1/, /meili-1 +\d+ +0/],
      ],
    },
    {
      name: 'history',
      fill: async (command) => {
        const { epoch } = await yard.topology();
        return command
          .replace('412', String(epoch - 3))
          .replace('430', String(epoch - 1))
          .replace('meili-3', 'meili-1');
      },
      expected: [
        [/^miroir topology log --limit/, /meili-1 is draining/],
        [/^miroir topology log --contains/, /meili-1/],
        [/^miroir topology show/, /epoch \d+[^]*films/],
        [/^miroir audit --action drain/, /reader +POST \/_miroir\/nodes\/meili-1\/drain +202/],
        [/^miroir audit --operation/, /POST \/_miroir\/operations\/drain-node\/meili-1\/cancel/],
      ],
    },
    {
      name: 'health',
      expected: [[/^miroir nodes list/, /meili-2 .* up +active/]],
      typedAtLeast: 1,
    },
    { name: 'disk', expected: [[/curl/, /"state":"ok","usedBytes":\d+/]], typedAtLeast: 1 },
    {
      name: 'slo-guard',
      async given() {
        await yard.does('miroir nodes drain meili-1 --documents-per-second 10 --yes');
        await yard.does('miroir ops pause drain-node/meili-1');
      },
      async fill(command) {
        const id = 'drain-node/meili-1';
        // At its full rate it would be over before it could be canceled.
        if (command.includes('throttle')) await yard.does(`miroir ops pause ${id}`);
        return command.replace('<id>', id);
      },
      expected: [
        [/^miroir ops show/, /paused/],
        [
          /^miroir ops throttle/,
          async () => {
            await yard.does('miroir ops cancel drain-node/meili-1');
            await yard.ended('drain-node/meili-1', 'canceled');
          },
        ],
      ],
      typedAtLeast: 3,
    },
    {
      name: 'replace',
      async fill(command) {
        if (command.includes('--lost')) {
          await yard.fleet.killNode('meili-0');
          return command.replaceAll('meili-7', 'meili-8').replace('meili-1', 'meili-0');
        }
        if (!command.startsWith('miroir ops cancel')) return command;
        const throttled = '--documents-per-second 1 --yes';
        await yard.does(`miroir nodes replace meili-7 meili-9 http://meili-9:7700 ${throttled}`);
        await yard.syncing('copy');
        return command.replace('meili-1', 'meili-7');
      },
      expected: [
        [/--dry-run/, /move +films +meili-1 +meili-7/],
        [
          /--why/,
          async () => {
            expect(await yard.node('meili-1')).toBeUndefined();
            expect(await intent('meili-7')).toBe('active');
          },
        ],
        [/--lost/, async () => expect(await yard.node('meili-0')).toBeUndefined()],
        [
          /^miroir ops cancel/,
          async () => {
            await yard.ended('replace-node/meili-7', 'canceled');
            expect(await intent('meili-7')).toBe('active');
            expect(await yard.node('meili-9')).toBeUndefined();
          },
        ],
        [
          /^miroir ops reverse/,
          async () => {
            await yard.approves('replace-node/meili-7');
            await yard.ended('replace-node/meili-7');
            expect(await intent('meili-1')).toBe('active');
          },
        ],
      ],
    },
    {
      name: 'nodes',
      async fill(command) {
        if (command.startsWith('miroir ops approve')) {
          await yard.planned(command.split(' ').at(-1) ?? '');
        }
        if (command.includes('cancel') || command.includes('ops reverse <id>')) {
          const back = command.includes('cancel');
          const how = back ? '--documents-per-second 1' : '--grace-ms 60000';
          await yard.does(`miroir nodes drain meili-2 ${how} --yes`);
          await yard.syncing(back ? 'copy' : 'grace');
          return command.replace('<id>', 'drain-node/meili-2');
        }
        const id = command.includes('throttle') ? 'add-node/meili-3' : 'remove-node/meili-1';
        return command.replace('<id>', id);
      },
      expected: [
        [/^miroir nodes add .*--dry-run/, /move +films +meili-\d +meili-3/],
        [/^miroir nodes drain .*--dry-run/, /move +films +meili-1/],
        [
          /^miroir ops throttle/,
          async () => {
            await yard.ended('add-node/meili-3');
            expect((await yard.node('meili-3'))?.replicas['in-sync']).toBeGreaterThan(0);
          },
        ],
        [
          /^miroir nodes drain .*--wait/,
          async () => {
            expect(await yard.node('meili-1')).toMatchObject({ intent: 'draining', replicas: {} });
          },
        ],
        [
          /^miroir ops approve add-node\/meili-1/,
          async () => {
            await yard.ended('add-node/meili-1');
            expect(await intent('meili-1')).toBe('active');
          },
        ],
        [/^miroir nodes remove/, async () => expect(await yard.node('meili-1')).toBeUndefined()],
        [
          /^miroir ops (cancel|reverse <id>)/,
          async () => {
            await yard.ended('drain-node/meili-2', 'canceled');
            expect(await intent('meili-2')).toBe('active');
          },
        ],
      ],
    },
  ];
}
