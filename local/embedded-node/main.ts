/**
 * Process entry of an embedded node: `main --port N --master-key-env NAME --data-dir DIR`. Prints
 * one line of JSON when it answers, and ends with its standard input, so that it never outlives the
 * process that started it.
 */
import { parseArgs } from 'node:util';
import { startEmbeddedNode } from './server';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      'master-key-env': { type: 'string' },
      'data-dir': { type: 'string' },
    },
  });
  const keyName = values['master-key-env'];
  const masterKey = keyName === undefined ? null : (process.env[keyName] ?? null);
  if (keyName !== undefined && masterKey === null) throw new Error(`${keyName} is not set.`);
  const running = await startEmbeddedNode({
    port: Number(values.port),
    host: '127.0.0.1',
    masterKey,
    dataDir: values['data-dir'] ?? null,
  });
  const stop = (): void => {
    running.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGTERM', stop);
  process.stdin.on('close', stop).on('end', stop).resume();
  // The line is a promise that the process can be stopped, so it comes after the handlers.
  console.error(
    'This is the embedded node of Miroir, for demos and tests. It is no replacement for Meilisearch.',
  );
  console.log(JSON.stringify({ url: running.url }));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
