/** The nodes do these; their flag is set on every node. */
export const nodeFeatures = [
  'editDocumentsByFunction',
  'containsFilter',
  'getTaskDocumentsRoute',
  'disableDocumentsFetchQueue',
] as const;

/**
 * The experimental features that a fleet can serve. The others would answer for a part of the
 * documents, or reach a node past Miroir, and cannot be switched on.
 */
export const servedFeatures: readonly string[] = [...nodeFeatures, 'metrics'];
