import { loadFilms } from './films';
import type { Film } from './films';
import type { DemoContext } from './step';
import { record } from './step';

const batchSize = 400;

/** Makes the index and loads the films batch by batch. */
export async function loadIndex(demo: DemoContext): Promise<readonly Film[]> {
  const { api, screen } = demo;
  screen.heading('1. Load 3,201 films');
  const films = loadFilms();
  const settings = await api.patch<{ taskUid: number }>('/indexes/films/settings', {
    searchableAttributes: ['title', 'director', 'genre', 'distributor'],
    filterableAttributes: ['genre', 'year', 'rating', 'director'],
    sortableAttributes: ['year', 'rating', 'gross'],
    pagination: { maxTotalHits: 100_000 },
  });
  await api.waitTask(settings.taskUid);
  const begun = performance.now();
  const bar = screen.bar('films');
  for (let at = 0; at < films.length; at += batchSize) {
    const batch = films.slice(at, at + batchSize);
    const { taskUid } = await api.post<{ taskUid: number }>('/indexes/films/documents', batch);
    await api.waitTask(taskUid);
    bar.set(Math.min(films.length, at + batchSize), films.length);
  }
  const seconds = (performance.now() - begun) / 1000;
  const rate = Math.round(films.length / seconds);
  bar.end(`${rate} documents/s, each on two nodes`);
  const stats = await api.get<{ numberOfDocuments: number }>('/indexes/films/stats');
  record(
    demo,
    'films loaded',
    `${stats.numberOfDocuments} (${rate}/s)`,
    stats.numberOfDocuments === films.length,
  );
  return films;
}
