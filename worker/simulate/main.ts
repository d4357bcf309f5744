import { text } from 'node:stream/consumers';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { SimulationRequest } from './input';
import { inputOf } from './invent';
import { simulate } from './run';

/** Reads one input as JSON from standard input, and writes its report as one line of JSON. */
async function main(): Promise<void> {
  // What a run logs of retries is in its report; anything else ends the simulation.
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    telemetryOptions: { logging: { filter: 'OFF' } },
    shutdownSignals: [],
  });
  const request = JSON.parse(await text(process.stdin)) as SimulationRequest;
  process.stdout.write(`${JSON.stringify(await simulate(inputOf(request)))}\n`);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
