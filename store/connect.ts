import { Redis } from 'ioredis';

/** A command is given up after this many reconnects, about two seconds in. */
const retriesPerCommandMax = 5;
/** A command that the server took and does not answer, as when its disk hangs. */
const commandTimeoutMs = 5_000;
const connectTimeoutMs = 2_000;
const reconnectDelayMsMax = 1_000;

/**
 * A connection that never hangs: while the server is away commands wait for a bounded number of
 * reconnects and then fail, and the connection goes on trying for later commands. A command that was
 * sent when the connection broke fails at once: it may have been executed, so only its caller can know
 * whether sending it again is right. (A begin may be repeated with its nonce.)
 */
export function connectRedis(url: string): Redis {
  const redis = new Redis(url, {
    maxRetriesPerRequest: retriesPerCommandMax,
    autoResendUnfulfilledCommands: false,
    commandTimeout: commandTimeoutMs,
    connectTimeout: connectTimeoutMs,
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 5), reconnectDelayMsMax),
  });
  // Without a listener an error of the connection ends the process. Commands report it too.
  redis.on('error', () => undefined);
  return redis;
}

const connectionErrors = new Set([
  'MaxRetriesPerRequestError',
  'AbortError',
  'ClusterAllFailedError',
  'InterruptedError',
]);
const connectionCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
]);
const connectionTexts =
  /^(Connection is closed|Command timed out|Stream isn't writeable|connect ETIMEDOUT|LOADING |MASTERDOWN |READONLY |CLUSTERDOWN )/;

/**
 * Whether a command failed because the server is away, starting, or no longer the one that takes writes. By name and
 * text, because the client library throws plain errors. The command may have been executed.
 */
export function isStoreAway(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { name, code, message } = error as { name?: string; code?: string; message?: string };
  return (
    connectionErrors.has(name ?? '') ||
    connectionCodes.has(code ?? '') ||
    connectionTexts.test(message ?? '')
  );
}
