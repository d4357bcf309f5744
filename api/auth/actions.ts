/**
 * What a key may do, as Meilisearch names it. The order is the one that its error texts list.
 */
export const keyActions = [
  '*',
  'search',
  'documents.*',
  'documents.add',
  'documents.get',
  'documents.delete',
  'indexes.*',
  'indexes.create',
  'indexes.get',
  'indexes.update',
  'indexes.delete',
  'indexes.swap',
  'tasks.*',
  'tasks.cancel',
  'tasks.delete',
  'tasks.get',
  'settings.*',
  'settings.get',
  'settings.update',
  'stats.*',
  'stats.get',
  'metrics.*',
  'metrics.get',
  'dumps.*',
  'dumps.create',
  'snapshots.*',
  'snapshots.create',
  'version',
  'keys.create',
  'keys.get',
  'keys.update',
  'keys.delete',
  'experimental.get',
  'experimental.update',
  'export',
  'network.get',
  'network.update',
  'chatCompletions',
  'chats.*',
  'chats.get',
  'chats.delete',
  'chatsSettings.*',
  'chatsSettings.get',
  'chatsSettings.update',
  '*.get',
  'webhooks.get',
  'webhooks.update',
  'webhooks.delete',
  'webhooks.create',
  'webhooks.*',
  'indexes.compact',
  'fields.post',
  'tasks.compact',
  'dynamicSearchRules.get',
  'dynamicSearchRules.create',
  'dynamicSearchRules.update',
  'dynamicSearchRules.delete',
  'dynamicSearchRules.*',
] as const;

export type KeyAction = (typeof keyActions)[number];

/** Actions on the whole instance; a key that is limited to some indexes may not hold them. */
const globalActions: ReadonlySet<string> = new Set([
  'metrics.*',
  'metrics.get',
  'dumps.*',
  'dumps.create',
  'snapshots.*',
  'snapshots.create',
  'version',
  'keys.create',
  'keys.get',
  'keys.update',
  'keys.delete',
  'experimental.get',
  'experimental.update',
  'export',
  'network.get',
  'network.update',
  'chats.*',
  'chats.get',
  'chats.delete',
  'chatsSettings.*',
  'chatsSettings.get',
  'chatsSettings.update',
  'webhooks.get',
  'webhooks.update',
  'webhooks.delete',
  'webhooks.create',
  'webhooks.*',
  'dynamicSearchRules.get',
  'dynamicSearchRules.create',
  'dynamicSearchRules.update',
  'dynamicSearchRules.delete',
  'dynamicSearchRules.*',
  'tasks.compact',
]);

/** `*.get` reads everything but the keys themselves and the chats that spend a provider's money. */
const readActions: ReadonlySet<string> = new Set([
  'search',
  'documents.get',
  'indexes.get',
  'tasks.get',
  'settings.get',
  'stats.get',
  'metrics.get',
  'version',
  'experimental.get',
  'export',
  'network.get',
  'chats.get',
  'chatsSettings.get',
  'webhooks.get',
  'fields.post',
  'dynamicSearchRules.get',
]);

export function isKeyAction(value: string): value is KeyAction {
  return (keyActions as readonly string[]).includes(value);
}

export function isGlobalAction(action: KeyAction): boolean {
  return globalActions.has(action);
}

/**
 * Whether a key that holds `held` may do `wanted`. `documents.*` as a wanted action (the edit
 * route asks for it) is satisfied by `*` only, as on a real Meilisearch.
 */
export function allowsAction(held: readonly string[], wanted: KeyAction): boolean {
  if (held.includes('*')) return true;
  if (wanted.endsWith('.*')) return false;
  if (held.includes(wanted)) return true;
  const family = wanted.split('.')[0];
  // There is no `keys.*`, so a family wildcard is honoured only where the list above has it.
  if (wanted.includes('.') && held.includes(`${family}.*`)) return true;
  return held.includes('*.get') && readActions.has(wanted);
}

/** `products*` allows every uid that begins so; anything else must be equal. */
export function matchesPattern(pattern: string, uid: string): boolean {
  return pattern.endsWith('*') ? uid.startsWith(pattern.slice(0, -1)) : pattern === uid;
}
