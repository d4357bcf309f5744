import type { AddressInfo } from 'node:net';
import pino from 'pino';
import type { Config } from '../config/config';
import type { Log } from './log';
import { startRuntime } from './runtime';

export interface RunningApi {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts one api process: a pod with a socket. Resolves when it takes requests. */
export async function startApi(config: Config): Promise<RunningApi> {
  // Standard output carries the one line that says where the api listens, so logs go to the other.
  const log: Log = pino({ name: 'miroir-api', level: config.log.level }, pino.destination(2));
  const runtime = await startRuntime({ config, log });
  try {
    await runtime.app.listen({ host: config.api.host, port: config.api.port });
  } catch (error) {
    await runtime.close();
    throw error;
  }
  const { port } = runtime.app.server.address() as AddressInfo;
  const url = `http://${hostInUrl(config.api.host)}:${port}`;
  log.info({ url, pod: runtime.ctx.pod.id }, 'api listens');
  return { url, close: () => runtime.close() };
}

/** Where everybody may connect, this machine may too. */
function hostInUrl(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
