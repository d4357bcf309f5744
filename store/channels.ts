import type { Redis } from 'ioredis';

/** Subscriptions of one connection, shared by all listeners of a channel. */
export interface Channels {
  listen(channel: string, listener: (message: string) => void): () => void;
  close(): Promise<void>;
}

/**
 * Messages are hints: one may be missed while the connection is down, so nothing may depend on getting
 * each of them. Pods also learn the epoch from their heartbeat.
 */
export function createChannels(options: { connection: () => Redis; owned: boolean }): Channels {
  const listeners = new Map<string, Set<(message: string) => void>>();
  let subscriber: Redis | null = null;
  const onMessage = (channel: string, message: string): void => {
    for (const listener of listeners.get(channel) ?? []) listener(message);
  };
  // Also covers a subscription that was under way when the connection broke. Twice does no harm.
  const onReady = (): void => {
    const channels = [...listeners.keys()];
    if (channels.length > 0) subscriber?.subscribe(...channels).catch(() => undefined);
  };
  const connected = (): Redis => {
    if (subscriber === null) {
      subscriber = options.connection();
      subscriber.on('message', onMessage);
      subscriber.on('ready', onReady);
      // The connection comes back by itself; its errors are the command connection's errors too,
      // where they are reported.
      if (options.owned) subscriber.on('error', () => undefined);
    }
    return subscriber;
  };
  return {
    listen(channel, listener) {
      const known = listeners.get(channel);
      const own = known ?? new Set<(message: string) => void>();
      listeners.set(channel, own);
      own.add(listener);
      if (known === undefined)
        connected()
          .subscribe(channel)
          .catch(() => undefined);
      return () => {
        own.delete(listener);
        if (own.size > 0 || listeners.get(channel) !== own) return;
        listeners.delete(channel);
        subscriber?.unsubscribe(channel).catch(() => undefined);
      };
    },
    async close() {
      listeners.clear();
      const ended = subscriber;
      subscriber = null;
      if (ended === null) return;
      ended.off('message', onMessage);
      ended.off('ready', onReady);
      if (options.owned) ended.disconnect();
      else await ended.unsubscribe().catch(() => undefined);
    },
  };
}
