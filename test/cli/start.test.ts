/**
 * Goal: a command is there at once, though the program can do much.
 * Method: what the command line has loaded before it knows which command is asked for.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { builtForTest } from '../support/built';

/** Packages that take longer to load than all the rest. */
const heavy = /node_modules\/(@temporalio|@grpc|fastify|@aws-sdk|@smithy)\//;

test('no heavy package is loaded before it is needed', () => {
  const program = `
    require(process.argv[1]);
    console.log(JSON.stringify(Object.keys(require.cache)));`;
  const entry = join(builtForTest(), 'cli', 'commands.js');
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', program, entry]);
  expect(stderr.toString()).toBe('');
  const loaded = JSON.parse(stdout.toString()) as string[];
  expect(loaded.length).toBeGreaterThan(50);
  expect(loaded.filter((file) => heavy.test(file))).toEqual([]);
});
