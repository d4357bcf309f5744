/**
 * A server of the api bench in a process of its own, told over IPC what it is. It ends when the
 * channel closes, so it never outlives the bench, however that ends.
 */
import { loadConfig } from '../../config/load';
import { startApi } from '../../api/server';
import { startCannedNode } from './canned-node';
import type { FromChild, Role, ToChild } from './messages';
import { startRelay } from './relay';

async function start(role: Role): Promise<readonly string[]> {
  switch (role.kind) {
    case 'nodes':
      return Promise.all(role.answers.map((answer) => startCannedNode(Buffer.from(answer))));
    case 'relay':
      return [await startRelay(role.nodes, role.merge)];
    case 'api':
      return [(await startApi(loadConfig({ env: process.env }))).url];
  }
}

function say(message: FromChild): void {
  process.send?.(message);
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

process.on('disconnect', () => process.exit(0));
process.on('message', (message: ToChild) => {
  if (message.ask === 'cpu') {
    say({ event: 'cpu', cpuMs: cpuMs() });
    return;
  }
  start(message.role).then(
    (urls) => say({ event: 'ready', urls }),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
