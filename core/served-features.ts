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

/** Why a fleet does not serve the others, as it is said to whoever switches one on. */
export const unservedReasons: Readonly<Record<string, string>> = {
  logsRoute: 'each process has a log of its own; read those of the pods and the nodes',
  dynamicSearchRules:
    'a rule gives documents a place among all hits, and each node knows the places of its own only',
  network: 'the nodes would search each other past Miroir, which spreads indexes over them already',
  taskQueueCompactionRoute: 'a node works off no task while it compacts its queue',
  compositeEmbedders:
    'Miroir keeps its own fields out of the template of one embedder, not of a pair of them',
  chatCompletions: 'a chat searches the node that it runs on, which has only some of the documents',
  multimodal: 'Miroir keeps its own fields out of the templates of documents, not out of fragments',
  foreignKeys:
    'the documents that a document points at may be on nodes that are not asked for them',
  legacySearch:
    'nodes change one after another, and the hits of the two ways to search cannot be merged',
  renderRoute: 'a node has only some of the documents, and would show a template the hidden fields',
};
