import { combineDigests } from '../../core/digest';
import { differenceIdsMax } from '../../core/anti-entropy';
import type { NodeId } from '../../core/ids';
import { slotRangeFilter } from '../../core/hidden-fields';
import { allWorkedOff } from '../node-queue';
import type { NodeSide } from '../node-queue';
import type { SlotRange } from '../sync/compare-range';
import { countDocuments, readDocuments } from '../sync/read-documents';
import type { DocumentPage } from '../sync/read-documents';
import type { ActivityTools, Call } from '../tools';

export interface Copy extends NodeSide {
  readonly node: NodeId;
}

export interface Comparing {
  readonly tools: ActivityTools;
  readonly call: Call;
  readonly copies: readonly Copy[];
  readonly primaryKey: string;
}

export interface ComparedRange {
  readonly range: SlotRange;
  /** Of the fullest copy. */
  readonly documents: number;
  readonly compares: number;
  /** It was never the same often enough: what differs is how it was at the last look. */
  readonly changing: boolean;
  /** Null: all copies are equal. */
  readonly difference: {
    readonly prints: ReadonlyMap<NodeId, { readonly print: string; readonly documents: number }>;
    readonly documents: number;
    readonly ids: readonly string[];
  } | null;
}

/** A difference that is the same so often in a row, with the queues worked off between, is real. */
const sameMax = 3;
/** Beyond this a range is written to so densely that nothing can be said of it, not that it is equal either. */
export const comparesMax = 20;
const pauseMs = 50;

/** How wide ranges may be so that a copy has about `rangeDocumentsMax` documents in one. */
export async function widthOf(
  { tools, call, copies }: Comparing,
  whole: SlotRange,
): Promise<number> {
  const filter = slotRangeFilter(whole.from, whole.to);
  const counts = await Promise.all(copies.map((copy) => countDocuments(copy, filter, call.signal)));
  const parts = Math.max(1, Math.ceil(Math.max(...counts) / tools.config.rangeDocumentsMax));
  return Math.max(1, Math.floor((whole.to - whole.from) / parts));
}

/** Compares one range on all copies, again while it changes. */
export async function compareCopies(c: Comparing, asked: SlotRange): Promise<ComparedRange> {
  const { tools, call } = c;
  let before = '';
  let same = 0;
  for (let compares = 1; ; compares += 1) {
    const { range, pages } = await readAll(c, asked);
    const documents = Math.max(...pages.map(({ documents: of }) => of.size));
    const found = differenceOf(c.copies, pages);
    if (found === null) return { range, documents, compares, changing: false, difference: null };
    const print = JSON.stringify([...found.prints]);
    same = print === before ? same + 1 : 1;
    before = print;
    if (same >= sameMax || compares >= comparesMax) {
      return { range, documents, compares, changing: same < sameMax, difference: found };
    }
    for (const copy of c.copies) await allWorkedOff(copy, { clock: tools.clock, call });
    await tools.clock.sleep(pauseMs, call.signal);
  }
}

async function readAll(
  { tools, call, copies, primaryKey }: Comparing,
  asked: SlotRange,
): Promise<{ range: SlotRange; pages: DocumentPage[] }> {
  let range = asked;
  for (;;) {
    const single = range.to - range.from === 1;
    const limit = single ? 1_000_000 : tools.config.rangeDocumentsMax * 2;
    const filter = slotRangeFilter(range.from, range.to);
    const pages = await Promise.all(
      copies.map((copy) =>
        readDocuments(copy, {
          ...{ primaryKey, filter, limit, signal: call.signal },
          deadlineMs: tools.config.nodeDeadlineMs,
        }),
      ),
    );
    if (single || pages.every(({ total, documents }) => total <= documents.size)) {
      return { range, pages };
    }
    range = { from: range.from, to: range.from + Math.max(1, (range.to - range.from) >> 1) };
  }
}

function differenceOf(
  copies: readonly Copy[],
  pages: readonly DocumentPage[],
): NonNullable<ComparedRange['difference']> | null {
  const prints = new Map(
    copies.map(({ node }, at) => {
      const { count, digest } = combineDigests(pages[at]?.documents.values() ?? []);
      return [node, { print: digest, documents: count }];
    }),
  );
  if (new Set([...prints.values()].map(({ print }) => print)).size === 1) return null;
  const all = new Set(pages.flatMap(({ documents }) => [...documents.keys()]));
  const ids = [...all].filter(
    (id) => new Set(pages.map(({ documents }) => documents.get(id)?.digest ?? '')).size > 1,
  );
  return { prints, documents: ids.length, ids: ids.sort().slice(0, differenceIdsMax) };
}
