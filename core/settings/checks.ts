import type { Settings } from '../fleet';

/** What of an index's settings decides how documents are checked before they are split. */

/** Whether the engine looks at the shape of `_geo`: only where it is filterable or sortable. */
export function hasGeo(settings: Settings): boolean {
  const lists = [settings['filterableAttributes'], settings['sortableAttributes']];
  return JSON.stringify(lists).includes('"_geo"');
}

/** Dimensions of each embedder; null where only the engine knows them. */
export function embeddersOf(settings: Settings): Map<string, number | null> {
  const embedders = settings['embedders'];
  if (typeof embedders !== 'object' || embedders === null || Array.isArray(embedders))
    return new Map();
  return new Map(
    Object.entries(embedders).map(([name, config]) => {
      const dimensions =
        typeof config === 'object' && config !== null && !Array.isArray(config)
          ? config['dimensions']
          : null;
      return [name, typeof dimensions === 'number' ? dimensions : null];
    }),
  );
}
