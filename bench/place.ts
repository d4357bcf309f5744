import { writers } from '../core/covering-set';
import { parseDocuments } from '../core/documents/parse';
import { buildPayload, prepareDocuments } from '../core/documents/prepare';
import type { OrderedDocument } from '../core/documents/prepare';
import { bucketOfSlot, shardOfBucket, shardOfId, slotOfId } from '../core/hash';
import { encodeBucket, encodeSeq, encodeSlot } from '../core/hidden-fields';
import { shardId } from '../core/ids';
import type { NodeId } from '../core/ids';
import { benchIndex, benchNodes } from './fleet';
import { row } from './row';
import type { Row } from './row';
import { byTurns } from './spread';
import { sizeOf } from './workload';
import type { Size } from './workload';
import { documentsWorkload } from './workloads/documents';
import type { DocumentsWorkload } from './workloads/documents';

/** A batch of documents and the nodes that write each shard. */
export interface PlaceWork extends DocumentsWorkload {
  readonly shardCount: number;
  /** `nodesOf[shard]`. */
  readonly nodesOf: readonly (readonly NodeId[])[];
}

export function placeWork(size: Size): PlaceWork {
  const shardCount = sizeOf(size, 'shards');
  const urls = Array.from({ length: sizeOf(size, 'nodes') }, (_, n) => `http://meili-${String(n)}`);
  const entry = benchIndex(benchNodes(urls), shardCount);
  const nodesOf = Array.from({ length: shardCount }, (_, n) => writers(entry, shardId(n)));
  return { ...documentsWorkload(sizeOf(size, 'documents')), shardCount, nodesOf };
}

/** Cuts one client's payload into the payloads of the nodes, by bytes, as Miroir does. */
export function placeByBytes({ bytes, shardCount, nodesOf }: PlaceWork): Map<NodeId, Uint8Array> {
  const parsed = parseDocuments(bytes, 'json');
  const result = prepareDocuments({ parsed, primaryKey: 'id', shardCount, ttl: false });
  if (!result.ok) throw new Error(result.error.message);
  const parts = new Map<NodeId, OrderedDocument[]>();
  result.documents.forEach((prepared, seq) => {
    for (const node of nodesOf[prepared.shard] ?? []) push(parts, node, { prepared, seq });
  });
  return mapValues(parts, (documents) => buildPayload(documents, parsed.bytes));
}

/** The naive way to the same payloads: every value is made and written again. */
export function placeByParsing({ bytes, shardCount, nodesOf }: PlaceWork): Map<NodeId, Uint8Array> {
  const documents = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>[];
  const parts = new Map<NodeId, object[]>();
  documents.forEach((document, seq) => {
    const slot = slotOfId(String(document['id']));
    const bucket = bucketOfSlot(slot);
    const hidden = {
      _miroir_bucket: encodeBucket(bucket),
      _miroir_slot: encodeSlot(slot),
      _miroir_seq: encodeSeq(seq),
    };
    const whole = { ...document, ...hidden };
    for (const node of nodesOf[shardOfBucket(bucket, shardCount)] ?? []) push(parts, node, whole);
  });
  return mapValues(parts, (part) => new TextEncoder().encode(JSON.stringify(part)));
}

/** Parses and writes the same bytes again and does nothing in between: no relay that parses is faster. */
function parseAndWrite({ bytes }: PlaceWork): Uint8Array {
  const documents = JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  return new TextEncoder().encode(JSON.stringify(documents));
}

function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function mapValues<K, V, W>(map: ReadonlyMap<K, V>, change: (value: V) => W): Map<K, W> {
  return new Map([...map].map(([key, value]) => [key, change(value)]));
}

/** From a client's payload to the nodes' payloads, against parsing and writing the same bytes. */
export function benchPlace(size: Size, runs: number): Row[] {
  const work = placeWork(size);
  const perSecond = (times: readonly number[]): number[] =>
    times.map((ms) => (work.count / ms) * 1_000);
  const unit = 'documents/cpu-s';
  const bare = byTurns(
    runs,
    () => placeByBytes(work),
    () => parseAndWrite(work),
  );
  const whole = byTurns(
    runs,
    () => placeByBytes(work),
    () => placeByParsing(work),
  );
  const route = byTurns(
    runs,
    () => routeAll(work),
    () => JSON.parse(work.text),
  );
  const measured = (name: string, against: string, times: typeof bare): Row => {
    const [ours, theirs] = [perSecond(times.ours), perSecond(times.theirs)];
    return row({ name, unit, better: 'higher', against, ours, theirs });
  };
  return [
    measured('place.documents/parse', 'JSON.parse and stringify, nothing else', bare),
    measured('place.documents/naive', 'the same work by parsing', whole),
    measured('place.ids/parse', 'JSON.parse of their documents', route),
  ];
}

/** Ids to nodes, without any documents: hashing and the lookup. */
function routeAll({ ids, shardCount, nodesOf }: PlaceWork): number {
  let sent = 0;
  for (const id of ids) sent += nodesOf[shardOfId(id, shardCount)]?.length ?? 0;
  return sent;
}
