import type { FastifyInstance } from 'fastify';
import { isDocumentId } from '../../../core/documents/identity';
import { MeiliError } from '../../../core/errors';
import { explainPlacement } from '../../../core/explain-placement';
import type { ShardStanding } from '../../../core/explain-placement';
import type { IndexEntry } from '../../../core/fleet';
import { bucketOfSlot, shardOfBucket, slotOfId } from '../../../core/hash';
import { nodeId, shardId } from '../../../core/ids';
import type { NodeId, ShardId } from '../../../core/ids';
import type { SpreadChange } from '../../../core/plan-change';
import { previewChange } from '../../../core/preview-change';
import { isShardCount } from '../../../core/reshard';
import { parseSearchBody } from '../../../core/search/request';
import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';
import { demandKnown, queryOf, readCount } from '../../http/page';
import { coverShards, isResting, preferredGroup } from '../../search/scatter';
import { fingerprintOf } from '../../search/search';
import { oneIndex } from '../target';
import { operatorBody, operatorRoute } from './operator-route';
import { nodeFields, readNode, readWeight, readZone } from './read-node';

interface UidParams {
  Params: { uid: string };
}

/** Why copies are where they are, where a document would be, and what a change would move. Read only. */
export function registerPlacement(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);

  app.get<UidParams>('/_miroir/indexes/:uid/placement', options, async (request) => {
    const entry = oneIndex(ctx, request.params.uid);
    const query = queryOf(request.query);
    demandKnown(query, ['document', 'shard']);
    const document = documentOf(entry, query.get('document'));
    const shard = shardOf(entry, query) ?? document?.shard ?? null;
    if (document !== null && shard !== document.shard) {
      throw new MeiliError('bad_request', 'Give `document` or `shard`, not both.');
    }
    return await explain(ctx, entry, { document, shard });
  });

  const unaudited = { ...options, config: { ...options.config, audited: false } };
  // By the table alone: nothing is started, no node is asked. A dry run also counts documents and room.
  app.post<UidParams>('/_miroir/indexes/:uid/placement/preview', unaudited, (request) => {
    const entry = oneIndex(ctx, request.params.uid);
    const fields = new Fields(operatorBody(request), { known: [...changeMembers] });
    const change = readChange(ctx, entry, fields);
    const fleet = ctx.fleet.current();
    const found = previewChange(fleet, entry, change);
    if (!found.ok) throw new MeiliError('miroir_operation_refused', found.reason);
    return { epoch: fleet.epoch, index: entry.uid, change: change.kind, ...found.preview };
  });
}

interface PlacedDocument {
  readonly id: string;
  readonly slot: number;
  readonly bucket: number;
  readonly shard: ShardId;
}

/** Where the hash puts an id, whether a document has it or not. */
function documentOf(entry: IndexEntry, id: string | undefined): PlacedDocument | null {
  if (id === undefined) return null;
  if (!isDocumentId(id)) {
    throw new MeiliError(
      'bad_request',
      'Invalid value in parameter `document`: a document id is 1 to 511 letters, digits, hyphens and underscores',
    );
  }
  const slot = slotOfId(id);
  const bucket = bucketOfSlot(slot);
  return { id, slot, bucket, shard: shardOfBucket(bucket, entry.shardCount) };
}

function shardOf(entry: IndexEntry, query: ReadonlyMap<string, string>): ShardId | null {
  if (!query.has('shard')) return null;
  const shard = readCount(query, 'shard', { otherwise: 0, code: 'bad_request' });
  if (shard < entry.shardCount) return shardId(shard);
  throw new MeiliError(
    'bad_request',
    `Invalid value in parameter \`shard\`: \`${entry.uid}\` has ${entry.shardCount} shards, 0 to ${entry.shardCount - 1}`,
  );
}

async function explain(
  ctx: ApiContext,
  entry: IndexEntry,
  asked: { readonly document: PlacedDocument | null; readonly shard: ShardId | null },
): Promise<object> {
  const { document, shard } = asked;
  const fleet = ctx.fleet.current();
  const { shardCount, replicationFactor, physicalUid } = entry;
  const all = Array.from({ length: shardCount }, (_, at) => shardId(at));
  const found = explainPlacement(fleet, entry, shard === null ? all : [shard]);
  return {
    ...{ epoch: fleet.epoch, index: entry.uid, physicalUid, shardCount, replicationFactor },
    document,
    ...found,
    shards: found.shards.map((one) => ({ ...one, readable: readable(ctx, entry, one) })),
    read: await reading(ctx, entry, asked),
  };
}

/** For each copy whether this pod would read it now, and what keeps it from that. */
function readable(ctx: ApiContext, entry: IndexEntry, { replicas }: ShardStanding) {
  return replicas.map(({ node, state }) => {
    const why = whyUnread(ctx, entry, { node, state });
    return { node, read: why === null, why };
  });
}

function whyUnread(
  ctx: ApiContext,
  entry: IndexEntry,
  { node, state }: ShardStanding['replicas'][number],
): string | null {
  if (state !== 'in-sync') return `the copy is ${state}`;
  if (!ctx.health.usable(node)) {
    const { state: health, lastError } = ctx.health.view(node);
    return `the node is ${health}${lastError === null ? '' : ` (${lastError})`}`;
  }
  if (isResting(ctx, node)) return 'the node rests: it is read only for what no other has';
  return ctx.settings.differs(entry, node) ? 'the node has other settings' : null;
}

/**
 * The covering set of a read of the document, or of a search for nothing. Another query may have another
 * one: `POST /indexes/{uid}/explain` tells it.
 */
async function reading(
  ctx: ApiContext,
  entry: IndexEntry,
  { document, shard }: { document: PlacedDocument | null; shard: ShardId | null },
): Promise<object> {
  const parsed = parseSearchBody({});
  if (!parsed.ok) throw parsed.error;
  const fingerprint =
    document === null
      ? fingerprintOf(entry, parsed.request)
      : `${entry.physicalUid}/${document.id}`;
  const group = preferredGroup({ entry, fingerprint });
  return await coverShards(ctx, { entry, fingerprint }, shard === null ? null : [shard], {
    group,
    failures: new Map(),
  });
}

const changeMembers = [
  ...['setNode', 'addNode', 'drainNode', 'replicationFactor', 'shards', 'rebalance'],
] as const;

/** Exactly one member says which change is meant. */
function readChange(ctx: ApiContext, entry: IndexEntry, fields: Fields): SpreadChange {
  const given = changeMembers.filter((name) => fields.has(name));
  if (given.length !== 1) {
    const names = changeMembers.map((name) => `\`${name}\``).join(', ');
    throw new MeiliError('bad_request', `Exactly one of ${names} is needed.`);
  }
  const { uid: index, physicalUid } = entry;
  switch (given[0]) {
    case 'setNode':
      return readSetNode(ctx, fields);
    case 'addNode': {
      const node = new Fields(
        { url: 'http://preview.invalid', ...fields.object('addNode') },
        {
          known: [...nodeFields],
        },
      );
      return { kind: 'add-node', node: readNode(node) };
    }
    case 'drainNode': {
      const node = knownNode(ctx, fields.string('drainNode'));
      return { kind: 'drain-node', node, lost: false };
    }
    case 'replicationFactor': {
      const replicationFactor = readWhole(fields, 'replicationFactor');
      return { kind: 'set-replication', factors: [{ index, physicalUid, replicationFactor }] };
    }
    case 'shards': {
      const shardCount = readWhole(fields, 'shards');
      if (isShardCount(shardCount)) return { kind: 'reshard', index, physicalUid, shardCount };
      throw fields.invalid('shards', 'must be a power of two from 1 to 256');
    }
    default:
      if (fields.optionalBoolean('rebalance', false)) return { kind: 'rebalance', group: null };
      throw fields.invalid('rebalance', 'must be true');
  }
}

function readWhole(fields: Fields, name: string): number {
  const number = fields.optionalNumber(name, { min: 1, integer: true });
  if (number !== null && number <= 256) return number;
  throw fields.invalid(name, 'must be from 1 to 256');
}

function readSetNode(ctx: ApiContext, fields: Fields): SpreadChange {
  const known = ['node', 'weight', 'zone'];
  const wish = new Fields(fields.object('setNode'), { known });
  const node = knownNode(ctx, wish.string('node'));
  const present = ctx.fleet.node(node);
  return {
    ...{ kind: 'set-node', node },
    weight: readWeight(wish) ?? present?.weight ?? 1,
    zone: wish.has('zone') ? readZone(wish) : (present?.zone ?? null),
  };
}

function knownNode(ctx: ApiContext, id: string): NodeId {
  if (ctx.fleet.node(nodeId(id)) !== null) return nodeId(id);
  throw new MeiliError('miroir_not_found', `Node \`${id}\` not found.`);
}
