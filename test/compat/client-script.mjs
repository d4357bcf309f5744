/**
 * What a user does with the meilisearch client, against the url in MIROIR_URL. Prints one line of JSON:
 * what was seen. It is a program of its own because the client is an ES module only.
 */
import { Meilisearch } from 'meilisearch';
import { generateTenantToken } from 'meilisearch/token';

const client = new Meilisearch({ host: process.env.MIROIR_URL, apiKey: process.env.MIROIR_KEY });
const seen = {};

const films = client.index('films');
const documents = Array.from({ length: 60 }, (_, id) => ({
  id,
  title: id % 2 === 0 ? `Silent harbour ${id}` : `Loud river ${id}`,
  genre: ['drama', 'comedy', 'thriller'][id % 3],
  year: 1960 + id,
}));
seen.created = (await client.createIndex('films', { primaryKey: 'id' }).waitTask()).status;
await films
  .updateSettings({ filterableAttributes: ['genre', 'year'], sortableAttributes: ['year'] })
  .waitTask();
const added = await films.addDocuments(documents).waitTask();
seen.added = [added.status, added.type, added.details];
await films.updateDocuments([{ id: 3, year: 2000 }]).waitTask();
const three = await films.getDocument(3);
seen.updated = [three.year, three.title];

const typo = await films.search('silnt harbor', { limit: 2, attributesToHighlight: ['title'] });
seen.typo = [typo.estimatedTotalHits, typo.hits.length, typo.hits[0]._formatted.title];
const page = await films.search('', { page: 2, hitsPerPage: 25, sort: ['year:desc'] });
seen.page = [page.totalHits, page.totalPages, page.hits.length, page.hits[0].id];
const facets = await films.search('', {
  facets: ['genre', 'year'],
  filter: 'year > 1990',
  limit: 0,
});
seen.facets = [facets.facetDistribution.genre, facets.facetStats.year];
const genres = await films.searchForFacetValues({ facetName: 'genre', facetQuery: 'thr' });
seen.facetHits = genres.facetHits;
const multi = await client.multiSearch({
  queries: [
    { indexUid: 'films', q: 'harbour', limit: 1 },
    { indexUid: 'films', q: 'river', limit: 1 },
  ],
});
seen.multi = multi.results.map((one) => one.estimatedTotalHits);
const federated = await client.multiSearch({
  federation: { limit: 5 },
  queries: [
    { indexUid: 'films', q: 'harbour' },
    { indexUid: 'films', q: 'river', federationOptions: { weight: 0.5 } },
  ],
});
seen.federated = [federated.hits.length, federated.estimatedTotalHits];
const listed = await films.getDocuments({ limit: 3, offset: 2, fields: ['id'] });
seen.listed = [listed.total, listed.results];

const key = await client.createKey({ actions: ['search'], indexes: ['films'], expiresAt: null });
const token = await generateTenantToken({
  apiKey: key.key,
  apiKeyUid: key.uid,
  searchRules: { films: { filter: 'genre = drama' } },
});
const tenant = new Meilisearch({ host: process.env.MIROIR_URL, apiKey: token });
const own = await tenant.index('films').search('', { limit: 100, filter: 'year > 0' });
seen.tenant = [own.hits.length, [...new Set(own.hits.map((hit) => hit.genre))]];
seen.denied = await failure(() => tenant.index('films').getDocuments());

await films.deleteDocument(0).waitTask();
await films.deleteDocuments([1, 2]).waitTask();
await films.deleteDocuments({ filter: 'year < 1970' }).waitTask();
seen.left = (await films.getStats()).numberOfDocuments;
await client.createIndex('other', { primaryKey: 'id' }).waitTask();
await client.swapIndexes([{ indexes: ['films', 'other'] }]).waitTask();
seen.swapped = [
  (await films.getStats()).numberOfDocuments,
  (await client.index('other').getStats()).numberOfDocuments,
];
const tasks = await client.tasks.getTasks({ types: ['indexSwap'], limit: 1 });
seen.tasks = [tasks.results[0].status, tasks.results[0].type];
seen.missing = await failure(() => client.index('nowhere').search('x'));
const wrong = await client
  .index('other')
  .addDocuments([{ id: 'not valid!' }])
  .waitTask();
seen.wrong = [wrong.status, wrong.error.code];
seen.health = (await client.health()).status;
seen.version = (await client.getVersion()).pkgVersion;
const settings = await client.index('other').getSettings();
seen.settings = [settings.filterableAttributes, settings.sortableAttributes, settings.pagination];
await client
  .index('other')
  .updateSynonyms({ sea: ['ocean'] })
  .waitTask();
await client.index('other').resetSortableAttributes().waitTask();
seen.subSettings = [
  await client.index('other').getSynonyms(),
  await client.index('other').getSortableAttributes(),
];
await client.updateKey(key.uid, { name: 'films', description: 'of films' });
const named = await client.getKey(key.key);
seen.key = [named.name, named.description, named.actions, named.indexes, named.expiresAt];
await client.deleteKey(key.uid);
seen.withoutKey = await failure(() => tenant.index('films').search(''));
const walked = [];
for (let offset = 0; offset < 51; offset += 20) {
  const part = await client.index('other').search('', { limit: 20, offset, sort: [] });
  walked.push(...part.hits.map((hit) => hit.id));
}
seen.walked = [walked.length, new Set(walked).size];
const batch = (await client.batches.getBatches({ limit: 1 })).results[0];
seen.batch = [batch.stats.totalNbTasks, Object.keys(batch.stats.status), batch.progress];
const canceled = await client.tasks.cancelTasks({ uids: [0] }).waitTask();
seen.canceled = [canceled.type, canceled.status, canceled.details];
const removed = await client.tasks.deleteTasks({ uids: [0] }).waitTask();
seen.removed = [removed.details.matchedTasks, removed.details.deletedTasks];
seen.removedTask = await failure(() => client.tasks.getTask(0));
const renamed = await client.index('films').update({ uid: 'empty' }).waitTask();
seen.renamed = [renamed.type, renamed.status];
await client.index('empty').update({ uid: 'films' }).waitTask();
const hook = await client.createWebhook({ url: 'https://example.com/hook', headers: {} });
seen.webhook = [hook.url, hook.isEditable, (await client.getWebhooks()).results.length];
await client.deleteWebhook(hook.uuid);
await client.deleteIndex('films').waitTask();
seen.indexes = (await client.getIndexes()).results.map((index) => index.uid);

console.log(JSON.stringify(seen));

async function failure(act) {
  try {
    await act();
    return null;
  } catch (error) {
    return [error.name, error.cause?.code, error.response?.status];
  }
}
