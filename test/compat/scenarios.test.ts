/**
 * Goal: a client gets the same answers from a real Meilisearch, the embedded node, a fleet of one node, a
 * fleet of two groups of three nodes with two copies of each shard, and a fleet of three real nodes.
 * Method: the scenarios in `scenarios/` are data, with the answers that a real Meilisearch gave. Each
 * engine runs them in order and must answer the same but for times, sizes and uids; what one engine
 * answers otherwise is listed with the reason, and nothing is listed that is equal.
 */
import { isDeepStrictEqual } from 'node:util';
import { fleetForTest } from '../api/support';
import type { FleetForTest, PodForTest } from '../api/support';
import { loadExpected, loadScenarios, runScenario } from './scenarios/runner';
import type { Seen } from './scenarios/runner';
import { engines, sidesForTest } from './sides';
import type { SideOnWire, Sides } from './sides';

type Name = 'embedded' | 'fleet of one' | 'fleet of six' | 'real' | 'fleet of three real nodes';

const embeddedFleets: readonly Name[] = ['fleet of one', 'fleet of six'];
const fleets: readonly Name[] = [...embeddedFleets, 'fleet of three real nodes'];
const names: readonly Name[] = [
  ...(['embedded', 'fleet of one', 'fleet of six'] as const),
  ...(engines.includes('real') ? (['real', 'fleet of three real nodes'] as const) : []),
];

const asked = 'an embedded node serves what Miroir asks of it';
const vary = 'caches must also tell origins apart, which the engine forgets when it compresses';
const decoder = 'the text is that of the decoder of the engine';
const internal =
  'the engine answers 500 or an internal error; Miroir what it says of other such bodies';

type Difference = readonly [on: readonly Name[], why: string];

/** What differs, by scenario and number of the step: on which engines, and why. */
const reasons: Readonly<Record<string, Difference>> = {
  'errors: wrong bodies 4': [['embedded', ...fleets], internal],
  'multi: one list of several 0': [['embedded'], asked],
  'multi: counted by index 0': [['embedded'], asked],
  'multi: what is refused 1': [['embedded'], asked],
  'wire: one error at a time 8': [
    fleets,
    'nodes judge filters, and no node has an index that is missing',
  ],
  'wire: codings of requests 7': [fleets, decoder],
  'wire: codings of requests 8': [fleets, decoder],
  ...Object.fromEntries(
    [0, 1, 2, 3, 4, 11, 12].map((at) => [
      `wire: codings of answers ${String(at)}`,
      [fleets, vary] as Difference,
    ]),
  ),
  'wire: other origins 10': [fleets, 'Miroir names the type of the text'],
  'wrong: sorts and facets 6': [embeddedFleets, asked],
  'wrong: sorts and facets 22': [embeddedFleets, asked],
  'wrong: searches 40': [embeddedFleets, asked],
  'wrong: searches 41': [embeddedFleets, asked],
  'wrong: searches 54': [
    fleets,
    'a number that is written as a float and is whole is taken for whole',
  ],
  'wrong: documents 3': [fleets, internal],
  'wrong: documents 4': [fleets, internal],
  'wrong: documents 14': [fleets, internal],
  'wrong: documents 15': [fleets, internal],
  'wrong: documents 44': [fleets, internal],
  'wrong: indexes 38': [embeddedFleets, asked],
  'wrong: keys and the instance 33': [fleets, 'refused for what it is before its body is read'],
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
    real = await sidesForTest('real', { nodes: 3, replicationFactor: 2 });
  const all: [Name, SideOnWire][] = [
    ['embedded', sides.single],
    ['fleet of one', await onWire(one)],
    ['fleet of six', await onWire(sides.fleet, sides.pod)],
  ];
  if (real !== null) {
    all.push(['real', real.single]);
    all.push(['fleet of three real nodes', await onWire(real.fleet, real.pod)]);
  }
  await Promise.all(
    all.map(async ([name, side]) => {
      const answers = new Map<string, readonly Seen[]>();
      seen.set(name, answers);
      for (const scenario of scenarios.filter((one) => isFor(name, one.name))) {
        answers.set(scenario.name, await runScenario(side, scenario));
      }
    }),
  );
}, 180_000);
afterAll(async () => {
  await Promise.all([sides.close(), one.close(), real?.close()]);
});

/** An embedded node serves what Miroir asks of it; what clients do wrong never reaches it. */
const isFor = (engine: Name, scenario: string): boolean =>
  engine !== 'embedded' || !/^(wire|wrong): /.test(scenario);

test('there are scenarios of every kind, all of them recorded', () => {
  expect(scenarios.length).toBeGreaterThan(60);
  expect(scenarios.map(({ name }) => name)).toEqual([...expected.keys()]);
});

async function onWire(fleet: FleetForTest, given?: PodForTest): Promise<SideOnWire> {
  const pod = given ?? (await fleet.pod());
  return { ...pod, url: await pod.listen(), key: fleet.masterKey };
}

describe.each<Name>(names)('%s', (engine) => {
  test.each(scenarios.map(({ name }) => name).filter((name) => isFor(engine, name)))(
    '%s',
    (name) => {
      const answers = seen.get(engine)?.get(name) ?? [];
      const wanted = expected.get(name) ?? [];
      const isListed = (at: number): boolean =>
        reasons[`${name} ${String(at)}`]?.[0].includes(engine) === true;
      const unequal = answers.flatMap((answer, at) =>
        isDeepStrictEqual(answer, wanted[at]) ? [] : [at],
      );
      const show = (list: readonly Seen[], at: number): unknown => ({ at, ...list[at] });
      const unlisted = unequal.filter((at) => !isListed(at));
      expect(unlisted.map((at) => show(answers, at))).toEqual(
        unlisted.map((at) => show(wanted, at)),
      );
      expect([answers.length, unequal]).toEqual([
        wanted.length,
        [...wanted.keys()].filter(isListed),
      ]);
    },
  );
});
