/**
 * Goal: a fleet under load survives the faults of the table in README.md.
 * Method: real processes, a faulty network between them, and clients that know what must be found; after
 * each fault the whole fleet is compared with what was acknowledged. `MIROIR_CHAOS=all` runs every
 * fault, `MIROIR_CHAOS=3,8b` some, without it the bounded choice; `MIROIR_CHAOS_SEED` repeats a run.
 */
import { builtForTest } from '../support/built';
import { realEngine } from '../support/meilisearch';
import { processFaults } from './process-faults';

const chosen = process.env['MIROIR_CHAOS'] ?? '';
const seed = Number(process.env['MIROIR_CHAOS_SEED'] ?? Date.now() % 1_000_000);
const faults = processFaults.filter(({ id, inCi }) =>
  chosen === '' ? inCi : chosen === 'all' || chosen.split(',').includes(id),
);

beforeAll(() => {
  process.env['MIROIR_BUILT'] = builtForTest();
});

test.each(faults)(
  `$id: $name (MIROIR_CHAOS_SEED=${String(seed)})`,
  async ({ id, run }) => {
    const { searches, acknowledged, errors } = await run(seed);
    process.stderr.write(
      `fault ${id}: ${String(acknowledged)} writes, ${String(searches)} searches, errors ${JSON.stringify(errors)}\n`,
    );
  },
  process.env['MIROIR_SOAK_DOCUMENTS'] !== undefined || realEngine ? 3_000_000 : 600_000,
);
