import { loadConfig } from '../config/load';
import { startApi } from './server';

/** Ends by itself when whoever started it is gone, if it was told that it has a parent. */
function whenParentEnds(end: () => void): void {
  if (process.env['MIROIR_PARENT'] !== '1') return;
  process.on('disconnect', end);
  if (process.channel === undefined) {
    process.stdin.on('end', end).on('close', end).on('error', end);
    process.stdin.resume();
  }
}

async function main(): Promise<void> {
  const api = await startApi(loadConfig({ env: process.env }));
  let ending = false;
  const end = (): void => {
    if (ending) return;
    ending = true;
    api.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGTERM', end).on('SIGINT', end);
  whenParentEnds(end);
  process.stdout.write(`${JSON.stringify({ url: api.url })}\n`);
}

main().catch((error: unknown) => {
  const text = error instanceof Error || hasMessage(error) ? error.message : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
});

function hasMessage(error: unknown): error is { message: string } {
  return typeof error === 'object' && error !== null && 'message' in error;
}
