/**
 * Goal: who does what the pages on the fleet's operations say, command by command, gets what they say.
 * Method: as for the pages on the life of an index. Some fleets are read about side by side, because operations
 * mostly wait; the pages of one fleet one after another. What a page takes for given is made before, also
 * faults: nodes are killed, and Redis loses its data.
 */
import type { FleetOptions } from '../../local/fleet';
import { builtForTest } from '../support/built';
import { copyPages } from './operation-pages/copy-pages';
import { instancePages } from './operation-pages/instance-pages';
import { nodePages } from './operation-pages/node-pages';
import { Yard } from './operation-pages/yard';
import type { Page } from './page-reader';

const deadlineMs = 300_000;
jest.setTimeout(deadlineMs);

const room = { MIROIR_DISK_CAPACITY_BYTES: '1000000000000', MIROIR_DISK_EVERY_MS: '200' };
const stories = [
  story(nodePages, { nodes: 3, replicationFactor: 2, settings: room }),
  story(copyPages, { nodes: 2 }),
  story(instancePages, { nodes: 3, replicationFactor: 2 }),
];

function story(pagesOf: (yard: Yard) => readonly Page[], options: FleetOptions) {
  const yard = new Yard(options);
  return { yard, pages: pagesOf(yard) };
}

beforeAll(async () => {
  process.env['MIROIR_BUILT'] = builtForTest();
  await Promise.all(stories.map(({ yard, pages }) => yard.start(pages)));
}, deadlineMs);
afterAll(async () => {
  await Promise.all(stories.map(({ yard }) => yard.close()));
}, deadlineMs);

const read = stories.flatMap(({ yard, pages }) => pages.map(({ name }) => ({ name, yard })));

test.each(read)('$name', async ({ name, yard }) => {
  await yard.outcome(name);
});
