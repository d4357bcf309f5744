/** The actions that a key may hold, in the order in which errors list them. */
export const KEY_ACTIONS: readonly string[] = `
  * search documents.* documents.add documents.get documents.delete indexes.* indexes.create
  indexes.get indexes.update indexes.delete indexes.swap tasks.* tasks.cancel tasks.delete
  tasks.get settings.* settings.get settings.update stats.* stats.get metrics.* metrics.get
  dumps.* dumps.create snapshots.* snapshots.create version keys.create keys.get keys.update
  keys.delete experimental.get experimental.update export network.get network.update
  chatCompletions chats.* chats.get chats.delete chatsSettings.* chatsSettings.get
  chatsSettings.update *.get webhooks.get webhooks.update webhooks.delete webhooks.create
  webhooks.* indexes.compact fields.post tasks.compact dynamicSearchRules.get
  dynamicSearchRules.create dynamicSearchRules.update dynamicSearchRules.delete
  dynamicSearchRules.*
`
  .trim()
  .split(/\s+/);
