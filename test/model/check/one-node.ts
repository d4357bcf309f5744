import type { IndexEntry, JsonValue } from '../../../core/fleet';
import { anySearch } from '../story/generate';
import type { Random } from '../world/random';
import type { CheckedFleet, CheckedNode } from './checked-fleet';

const searchesMax = 4;
const ignored = ['processingTimeMs', 'requestUid'];

/** The fleet's answers against those of one node that holds everything, documents in their order. */
export async function answerFaults(fleet: CheckedFleet): Promise<string[]> {
  const now = await fleet.load();
  const faults: string[] = [];
  const random = fleet.random.fork('last searches');
  for (const entry of now.indexes) {
    const one = await oneNode(fleet, entry);
    for (let i = 0; i < searchesMax; i += 1) {
      const fault = await compared(fleet, { entry, one, random });
      if (fault !== null) faults.push(fault);
    }
  }
  return faults;
}

async function oneNode(fleet: CheckedFleet, entry: IndexEntry): Promise<CheckedNode> {
  const documents = new Map<string, Readonly<Record<string, JsonValue>>>();
  for (const held of fleet.nodes.values()) {
    const answer = (await held.ask('POST', `/indexes/${entry.physicalUid}/documents/fetch`, {
      limit: 100_000,
    })) as { results?: Readonly<Record<string, JsonValue>>[] };
    for (const document of answer.results ?? []) documents.set(String(document['id']), document);
  }
  const ordered = [...documents.values()].sort((a, b) =>
    String(a['_miroir_seq']) < String(b['_miroir_seq']) ? -1 : 1,
  );
  const plain = ordered.map((document) =>
    Object.fromEntries(Object.entries(document).filter(([name]) => !name.startsWith('_miroir_'))),
  );
  const node = await fleet.alone(`alone-${entry.uid}`);
  await node.ask('POST', '/indexes', { uid: entry.uid, primaryKey: 'id' });
  await node.ask('PATCH', `/indexes/${entry.uid}/settings`, clientSettings(entry));
  await node.ask('POST', `/indexes/${entry.uid}/documents`, plain);
  const open = async (): Promise<number> => {
    const page = await node.ask('GET', '/tasks?statuses=enqueued,processing');
    return (page as { total: number }).total;
  };
  while ((await open()) > 0) await fleet.pause(20);
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

async function compared(
  fleet: CheckedFleet,
  { entry, one, random }: { entry: IndexEntry; one: CheckedNode; random: Random },
): Promise<string | null> {
  const { body } = anySearch(random);
  // A field that may not be filtered or sorted by is refused by both, in the same words.
  const found = await fleet.search({ kind: 'search', index: entry.uid, body });
  const wanted = await one.ask('POST', `/indexes/${entry.uid}/search`, body);
  const [ours, theirs] = [found, wanted].map((answer) => JSON.stringify(comparable(answer)));
  return ours === theirs
    ? null
    : `a search ${JSON.stringify(body)} of ${entry.uid} gave ${String(ours)}, and one node gives ${String(theirs)}`;
}
