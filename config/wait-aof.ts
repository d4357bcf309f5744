import type { RedisConfig } from './config';

/** How the store is to wait for the append-only file: not, or for how many replicas beside the server. */
export function waitAofOf({
  waitAof,
  waitAofMs,
}: RedisConfig): false | { readonly replicas: number; readonly ms: number } {
  if (waitAof === 'off') return false;
  return { replicas: waitAof === 'replica' ? 1 : 0, ms: waitAofMs };
}
