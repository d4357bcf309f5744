/**
 * Goal: documents that are written to while a copy is verified are found right, wrong ones are found wrong.
 * Method: looks at two sides as a verification takes them, from digests alone.
 */
import { Suspects } from '../../../activities/sync/suspects';

const side = (digests: Record<string, string>) =>
  new Map(
    Object.entries(digests).map(([id, digest]) => [id, { id, digest, bytes: new Uint8Array() }]),
  );

function suspectsOf(source: Record<string, string>, target: Record<string, string>): Suspects {
  const suspects = new Suspects();
  const page = (digests: Record<string, string>) => ({ documents: side(digests), total: 0 });
  suspects.add({
    ...{ range: { from: 0, to: 1 }, until: 0 },
    ...{ source: page(source), target: page(target) },
  });
  return suspects;
}

test('only what differs, lacks or is too much is looked at again', () => {
  const suspects = suspectsOf({ a: '1', b: '1', c: '1' }, { a: '1', b: '2', d: '1' });
  expect([...suspects.ids].sort()).toEqual(['b', 'c', 'd']);
});

test('a document that is written to before each look is right when one side follows the other', () => {
  const suspects = suspectsOf({ hot: 'v2' }, { hot: 'v1' });
  suspects.lookAgain(['hot'], side({ hot: 'v4' }), side({ hot: 'v3' }));
  expect(suspects.size).toBe(1);
  suspects.lookAgain(['hot'], side({ hot: 'v6' }), side({ hot: 'v4' }));
  expect(suspects.size).toBe(0);
});

test('a deletion on its way is no difference', () => {
  const suspects = suspectsOf({}, { gone: 'v1' });
  suspects.lookAgain(['gone'], side({}), side({}));
  expect(suspects.size).toBe(0);
});

test('a document that stays as it differs is stuck, one that changes is not', () => {
  const suspects = suspectsOf({ wrong: 'v1', hot: 'v1' }, { wrong: 'x', hot: 'x0' });
  for (let look = 2; look <= 5; look += 1) {
    expect(suspects.stuck(5)).toBe(0);
    suspects.lookAgain(
      suspects.ids,
      side({ wrong: 'v1', hot: `v${String(look)}` }),
      side({ wrong: 'x', hot: `x${String(look)}` }),
    );
  }
  expect(suspects.stuck(5)).toBe(1);
});
