/** Errors that the docs name for a fleet with faults; any other that a client is told is a violation. */
export const expectedErrors: ReadonlySet<string> = new Set([
  'miroir_no_quorum',
  'miroir_fenced',
  'miroir_not_ready',
  'miroir_shard_unavailable',
  'miroir_interrupted',
  'miroir_store_unavailable',
  'miroir_disk_full',
  'too_many_search_requests',
  // Of indexes that were deleted, renamed, or made anew without settings.
  'index_not_found',
  'invalid_search_filter',
  'invalid_search_sort',
  'invalid_search_facets',
  'invalid_document_filter',
  'internal',
  'no answer',
]);
