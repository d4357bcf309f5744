/**
 * Goal: a client gets the same answers from a real Meilisearch, the embedded node, a fleet of one node, and
 * a fleet of two groups of three nodes with two copies of each shard.
 * Method: the scenarios in `scenarios/` are data, with the answers that a real Meilisearch gave. Each
 * engine runs them in order and must answer the same but for times, sizes and uids; what one engine
 * answers otherwise is listed with the reason, and nothing is listed that is equal.
 */
import { fleetForTest } from '../api/support';
import type { FleetForTest } from '../api/support';
import { loadExpected, loadScenarios, runScenario } from './scenarios/runner';
import type { Seen } from './scenarios/runner';
import { engines, sidesForTest } from './sides';
import type { Side, Sides } from './sides';

type Name = 'embedded' | 'fleet of one' | 'fleet of six' | 'real';

const fleets: readonly Name[] = ['fleet of one', 'fleet of six'];

/** What differs, by scenario: on which engines, and why. */
const reasons: Readonly<Record<string, readonly [on: readonly Name[], why: string]>> = {
  'errors: wrong bodies': [
    ['embedded', ...fleets],
    'a list among lines of objects: the engine answers 500, Miroir the text that it has for other lists',
  ],
  'multi: one list of several': [['embedded'], 'an embedded node serves what Miroir asks of it'],
  'multi: counted by index': [['embedded'], 'an embedded node serves what Miroir asks of it'],
  'multi: what is refused': [['embedded'], 'an embedded node serves what Miroir asks of it'],
};

const scenarios = loadScenarios();
const expected = loadExpected();

let sides: Sides;
let one: FleetForTest;
let real: Sides | null = null;
const seen = new Map<Name, Map<string, readonly Seen[]>>();

beforeAll(async () => {
  sides = await sidesForTest('embedded', { nodes: 6, groups: 2, replicationFactor: 2 });
  one = await fleetForTest({ nodes: 1, replicationFactor: 1 });
  if (engines.includes('real'))
    real = await sidesForTest('real', { nodes: 1, replicationFactor: 1 });
  const all: [Name, Side][] = [
    ['embedded', sides.single],
    ['fleet of one', await one.pod()],
    ['fleet of six', sides.pod],
    ...(real === null ? [] : [['real', real.single] as [Name, Side]]),
  ];
  await Promise.all(
    all.map(async ([name, side]) => {
      const answers = new Map<string, readonly Seen[]>();
      seen.set(name, answers);
      for (const scenario of scenarios) {
        answers.set(scenario.name, await runScenario(side, scenario));
      }
    }),
  );
}, 180_000);
afterAll(async () => {
  await Promise.all([sides.close(), one.close(), real?.close()]);
});

test('there are scenarios of every kind, all of them recorded', () => {
  expect(scenarios.length).toBeGreaterThan(60);
  expect(scenarios.map(({ name }) => name)).toEqual([...expected.keys()]);
});

describe.each<Name>([
  'embedded',
  ...fleets,
  ...(engines.includes('real') ? ['real' as const] : []),
])('%s', (engine) => {
  test.each(scenarios.map(({ name }) => name))('%s', (name) => {
    const answers = seen.get(engine)?.get(name);
    const listed = reasons[name];
    if (listed?.[0].includes(engine) === true) expect(answers).not.toEqual(expected.get(name));
    else expect(answers).toEqual(expected.get(name));
  });
});
