import { DefaultLogger, Runtime } from '@temporalio/worker';
import pino from 'pino';
import { loadConfig } from '../config/load';
import { keepWorking } from './keep-working';
import { watchParent } from './parent';
import { startWorker } from './start-worker';

/** Temporal's own log lines go where ours go, with their words for levels turned into ours. */
function installRuntime(log: pino.Logger): void {
  const logger = new DefaultLogger('WARN', ({ level, message, meta }) => {
    const fields = { temporal: true, ...meta };
    if (level === 'ERROR') log.error(fields, message);
    else log.warn(fields, message);
  });
  // Signals are handled here, because the store and the pod have to be closed too.
  Runtime.install({ logger, shutdownSignals: [] });
}

async function main(): Promise<void> {
  const { env } = process;
  const config = loadConfig({ env });
  const log = pino({ level: config.log.level, name: 'worker' }, pino.destination(2));
  installRuntime(log);
  const { ended, leave } = keepWorking({
    start: () => startWorker({ config, env, log }),
    log,
    pauseMs: { first: 500, max: 10_000 },
    onStarted: () => process.stdout.write(`${JSON.stringify({ worker: 'ready' })}\n`),
  });
  process.once('SIGTERM', leave);
  process.once('SIGINT', leave);
  watchParent(env, leave);
  await ended;
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
