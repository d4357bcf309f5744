import type { SearchUiConfig, Records } from '../record-types';
import { createRecordStore } from './record-store';
import type { RecordParts } from './record-store';

/** Kind `search-ui-config`: one for each index that has a search page. */
export function createSearchUiConfigStore(parts: RecordParts): Records<SearchUiConfig> {
  return createRecordStore(parts, { kind: 'search-ui-config', idOf: (config) => config.index });
}
