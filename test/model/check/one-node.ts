import { isMeiliError } from '../../../core/errors';
import type { IndexEntry, JsonValue } from '../../../core/fleet';
import type { ModelFleet, ModelPod } from '../fleet/fleet';
import { ModelNode } from '../fleet/model-node';
import { search } from '../story/clients';
import { anySearch } from '../story/generate';
import type { Random } from '../world/random';

const searchesMax = 4;
const ignored = ['processingTimeMs', 'requestUid'];

/** The fleet's answers against those of one node that holds everything, documents in their order. */
export async function answerFaults(fleet: ModelFleet, pod: ModelPod): Promise<string[]> {
  const now = await fleet.store.fleet.load();
  const faults: string[] = [];
  const random = fleet.world.random.fork('last searches');
  for (const entry of now.indexes) {
    const one = await oneNode(fleet, entry);
    for (let i = 0; i < searchesMax; i += 1) {
      const fault = await compared(fleet, { pod, entry, one, random });
      if (fault !== null) faults.push(fault);
    }
  }
  return faults;
}

async function oneNode(fleet: ModelFleet, entry: IndexEntry): Promise<ModelNode> {
  const node = new ModelNode(fleet.world, `alone-${entry.uid}`, 'key');
  await node.start();
  const documents = new Map<string, Readonly<Record<string, JsonValue>>>();
  for (const held of fleet.nodes.values()) {
    const answer = held.ask('POST', `/indexes/${entry.physicalUid}/documents/fetch`, {
      limit: 100_000,
    }) as { results?: Readonly<Record<string, JsonValue>>[] };
    for (const document of answer.results ?? []) documents.set(String(document['id']), document);
  }
  const ordered = [...documents.values()].sort((a, b) =>
    String(a['_miroir_seq']) < String(b['_miroir_seq']) ? -1 : 1,
  );
  const plain = ordered.map((document) =>
    Object.fromEntries(Object.entries(document).filter(([name]) => !name.startsWith('_miroir_'))),
  );
  await fleet.world.as(node.owner, async () => {
    node.ask('POST', '/indexes', { uid: entry.uid, primaryKey: 'id' });
    node.ask('PATCH', `/indexes/${entry.uid}/settings`, clientSettings(entry));
    node.ask('POST', `/indexes/${entry.uid}/documents`, plain);
    return Promise.resolve();
  });
  const total = (): number =>
    (node.ask('GET', '/tasks?statuses=enqueued,processing') as { total: number }).total;
  while (total() > 0) await fleet.world.sleep(20);
  return node;
}

function clientSettings({ settings }: IndexEntry): object {
  const { filterableAttributes, sortableAttributes, stopWords, synonyms } = settings;
  return { filterableAttributes, sortableAttributes, stopWords, synonyms };
}

/** Members in order: a node shows a document's as it first saw their names. Without empty facets: so too. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value)
    .filter(([name]) => !ignored.includes(name))
    .map(([name, member]): [string, unknown] => [name, comparable(member)])
    .filter(([, member]) => JSON.stringify(member) !== '{}')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members);
}

function bodyOf(error: unknown): JsonValue {
  if (!isMeiliError(error)) throw error;
  return error.toBody() as unknown as JsonValue;
}

async function compared(
  fleet: ModelFleet,
  of: { pod: ModelPod; entry: IndexEntry; one: ModelNode; random: Random },
): Promise<string | null> {
  const { pod, entry, one, random } = of;
  const { body } = anySearch(random);
  const spec = { kind: 'search' as const, index: entry.uid, body };
  // A field that may not be filtered or sorted by is refused by both, in the same words.
  const found = await fleet.world
    .as(pod.name, () => search(pod.ctx, spec))
    .then(
      (result): JsonValue => result.body,
      (error: unknown) => bodyOf(error),
    );
  const wanted = one.ask('POST', `/indexes/${entry.uid}/search`, body);
  const [ours, theirs] = [found, wanted].map((answer) => JSON.stringify(comparable(answer)));
  return ours === theirs
    ? null
    : `a search ${JSON.stringify(body)} of ${entry.uid} gave ${String(ours)}, and one node gives ${String(theirs)}`;
}
