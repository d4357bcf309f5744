/**
 * Every bound of Miroir in one place, with its unit in its name and the reason beside it.
 * Configuration may lower some of them; nothing may raise them past these values.
 */

/** The top 14 bits of a document's hash. */
export const slotCount = 16_384;
/** 64 slots a bucket: an `IN` filter over a third of 256 buckets was measured at +0.4 ms. */
export const bucketCount = 256;
export const slotsPerBucket = slotCount / bucketCount;

/** Meilisearch's own limits, which must be checked before a payload is split. */
export const documentIdBytesMax = 511;
export const indexUidBytesMax = 400;
/** The engine fails a whole task on a deeper document. */
export const documentDepthMax = 125;
export const documentFieldsMax = 65_535;

/** No Lua script takes more items: 400,000 in one script were measured to block Redis for 0.5 s. */
export const scriptItemsMax = 1_000;

/** Physical pagination bound on the nodes; the client's own `maxTotalHits` is applied by the merge. */
export const physicalMaxTotalHits = 1_000_000_000;
/** Physical facet bound where the global order is not alphabetic. A facet that hits it is named. */
export const physicalMaxValuesPerFacet = 10_000;

/** The longest any request to a node may take. Barriers wait this long after the last acknowledgement. */
export const nodeDeadlineMsMax = 30_000;
/** How long a client's write may wait for a fence before it is answered 503. */
export const fenceWaitMsMax = 15_000;

export const topologyLogEntriesMax = 1_000;
/** Actions of operators that are kept; about 5 MB of Redis. */
export const auditEntriesMax = 10_000;
export const aliasHistoryMax = 10;
/** Searches kept to make canaries of; more is nobody's reading list. */
export const capturedQueriesMax = 500;
export const canaryRunsMax = 100;
/** What one entry of the topology log keeps of the state before it; a larger past is not kept. */
export const topologyUndoBytesMax = 64 * 1024;

/** One request of an export: a worker holds it twice, once compressed. A client may ask for more and gets this. */
export const exportPayloadBytesMax = 128 * 1024 * 1024;

/** Operations that wait for a group at once. More would be answered by a fleet that none of them saw. */
export const operationsQueuedMax = 32;
/** Of a function that edits documents, with its context: it stands in the task. */
export const editBytesMax = 256 * 1024;
