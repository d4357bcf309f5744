import type { Depot } from '../../archives/depot';
import type { Line } from '../../archives/lines';
import { setAside } from '../../archives/rejected';
import type {
  ImportCursor,
  ImportPlan,
  ImportRef,
  ImportStep,
  PlannedImport,
  RejectedDocument,
} from '../../core/archives/types';
import type { FleetTaskUid } from '../../core/ids';
import { refuse, tryAgain } from '../errors';
import { createPace } from '../sync/pace';
import type { Pace } from '../sync/pace';
import { entryOf } from '../tools';
import type { ActivityTools, Call } from '../tools';
import type { ImportRequest } from '../types';
import { Batcher, bodyOf } from './batches';
import type { LineBatch, SourceLine } from './batches';
import { sendBatch, taskEnd } from './client-api';
import { faultOf } from './faults';
import type { Fault } from './faults';
import { depotOf, openArchive, withArchives } from './open';

/** So many writes are under way: the nodes work on one while the next ones are read, checked and split. */
const aheadMax = 3;
/** A batch whose task was lost with a pod is sent again so often. */
const lostMax = 5;
/** In a batch with so many bad documents the rest is set aside with them, and can be sent again later. */
const soughtMax = 500;
/** What is wrong with the index and not with a document. */
const indexCodes: ReadonlySet<string> = new Set([
  ...['index_primary_key_already_exists', 'index_not_found', 'invalid_index_uid'],
  ...['miroir_multi_alias_not_writable', 'miroir_idempotency_key_reused'],
]);

export const firstImportCursor: ImportCursor = { indexAt: 0, line: 0, documents: 0, setAside: 0 };

function isCursor(value: unknown): value is ImportCursor {
  return typeof value === 'object' && value !== null && 'indexAt' in value && 'line' in value;
}

/** The further of the workflow's cursor and the heartbeat of the attempt before this one. */
function startAt(call: Call, given: ImportCursor | null): ImportCursor {
  const cursor = given ?? firstImportCursor;
  const beaten = call.resumed();
  if (!isCursor(beaten)) return cursor;
  const further =
    beaten.indexAt > cursor.indexAt ||
    (beaten.indexAt === cursor.indexAt && beaten.line > cursor.line);
  return further ? beaten : cursor;
}

/**
 * Writes the documents of the archive, in its order, through the api. The cursor stands behind what is
 * indexed or set aside; what was sent beyond it is sent again by the next attempt under the same
 * idempotency keys, and so happens once.
 */
export async function importDocuments(
  tools: ActivityTools,
  { ref, plan, cursor, rejectedMax }: ImportRequest,
  call: Call,
): Promise<ImportStep> {
  const archive = openArchive(tools, ref.source);
  const run = new ImportRun(tools, { ref, plan, rejectedMax }, call, startAt(call, cursor));
  try {
    return await withArchives(() =>
      run.all(
        archive.documents({
          from: (uid) => run.firstLine(uid),
          lineBytesMax: tools.archives.lineBytesMax,
        }),
      ),
    );
  } finally {
    archive.close();
  }
}

interface Wanted {
  readonly ref: ImportRef;
  readonly plan: ImportPlan;
  readonly rejectedMax: number;
}

interface Sending {
  readonly batch: LineBatch;
  /** Null: nothing of the batch could be sent, or it is settled already. */
  readonly task: FleetTaskUid | null;
  readonly sent: readonly SourceLine[];
  readonly rejected: RejectedDocument[];
}

type Outcome = ImportStep['outcome'] | 'more';

class ImportRun {
  readonly #underWay: Sending[] = [];
  readonly #pace: Pace;
  readonly #depot: Depot;

  constructor(
    private readonly tools: ActivityTools,
    private readonly wanted: Wanted,
    private readonly call: Call,
    private cursor: ImportCursor,
  ) {
    this.#pace = createPace(tools, call, wanted.ref.runKey);
    this.#depot = depotOf(tools, 'dumps');
  }

  /** Null: the index is not wanted, or it is done. */
  firstLine(uid: string): number | null {
    const at = this.wanted.plan.indexes.findIndex(({ from }) => from === uid);
    if (at < 0 || at < this.cursor.indexAt) return null;
    return at === this.cursor.indexAt ? this.cursor.line : 0;
  }

  async all(
    indexes: AsyncIterable<{ uid: string; first: number; lines: AsyncIterable<readonly Line[]> }>,
  ): Promise<ImportStep> {
    for await (const { uid, first, lines } of indexes) {
      const at = this.wanted.plan.indexes.findIndex(({ from }) => from === uid);
      const batcher = new Batcher(at, first, this.wanted.ref.batch);
      for await (const some of lines) {
        for (const line of some) {
          const batch = batcher.add(line);
          const outcome = batch === null ? 'more' : await this.#take(batch);
          if (outcome !== 'more') return this.#stop(outcome);
        }
      }
      const rest = batcher.rest();
      const outcome = rest === null ? 'more' : await this.#take(rest);
      if (outcome !== 'more') return this.#stop(outcome);
    }
    for (;;) {
      const outcome = await this.#settleOldest();
      if (outcome === null) return { cursor: this.cursor, outcome: 'done' };
      if (outcome !== 'more') return this.#stop(outcome);
    }
  }

  /** What is under way is finished: a pause leaves nothing half done. */
  async #stop(outcome: Exclude<Outcome, 'more'>): Promise<ImportStep> {
    while ((await this.#settleOldest()) !== null);
    return { cursor: this.cursor, outcome };
  }

  async #take(batch: LineBatch): Promise<Outcome> {
    const rejected: RejectedDocument[] = [];
    const lines = batch.lines.filter((line) => {
      if (!line.cut) return true;
      rejected.push(this.#rejected(batch, line, tooLong));
      return false;
    });
    this.#underWay.push(await this.#send({ batch, lines, rejected }));
    if (this.#underWay.length < aheadMax) return 'more';
    return (await this.#settleOldest()) ?? 'more';
  }

  async #send(one: {
    batch: LineBatch;
    lines: readonly SourceLine[];
    rejected: RejectedDocument[];
    lost?: number;
  }): Promise<Sending> {
    const { batch, lines, rejected, lost = 0 } = one;
    if (lines.length === 0) return { batch, task: null, sent: [], rejected };
    const index = this.#index(batch.indexAt);
    await this.#demandIndex(index);
    const { id } = this.wanted.ref;
    const identity = `${id}/${index.physicalUid}/${String(lines[0]?.line)}/${String(lost)}`;
    const { uid, primaryKey } = index;
    const sent = await sendBatch(
      this.tools,
      { uid, primaryKey, body: bodyOf(lines), identity },
      this.call,
    );
    if (sent.kind === 'task') return { batch, task: sent.task, sent: lines, rejected };
    await this.#sortOut(batch, lines, sent, rejected);
    return { batch, task: null, sent: [], rejected };
  }

  /** Null: nothing is under way. */
  async #settleOldest(): Promise<Outcome | null> {
    const oldest = this.#underWay.shift();
    if (oldest === undefined) return null;
    const { batch, rejected } = oldest;
    await this.#settle(oldest);
    await setAside(this.#depot, this.wanted.ref.id, {
      at: { indexAt: batch.indexAt, line: batch.from },
      documents: rejected,
    });
    const done = batch.lines.length - rejected.length;
    this.cursor = {
      indexAt: batch.indexAt,
      line: batch.to,
      documents: this.cursor.documents + done,
      setAside: this.cursor.setAside + rejected.length,
    };
    this.call.beat(this.cursor);
    const goesOn = await this.#pace.after(batch.lines.length, this.cursor.documents);
    if (this.cursor.setAside > this.wanted.rejectedMax) return 'too-many';
    return goesOn ? 'more' : 'paused';
  }

  /** Waits for the task of a batch; what fails is sorted out. */
  async #settle({ batch, task, sent, rejected }: Sending): Promise<void> {
    let now: Pick<Sending, 'task' | 'sent'> = { task, sent };
    for (let lost = 1; now.task !== null; lost += 1) {
      const end = await taskEnd(this.tools, now.task, this.call);
      if (end.ok) return;
      if (!end.lost) return this.#sortOut(batch, now.sent, end, rejected);
      if (lost > lostMax)
        throw tryAgain('import-lost', `Its tasks are lost again and again: ${end.message}`);
      now = await this.#send({ batch, lines: now.sent, rejected, lost });
    }
  }

  /**
   * One document is why a batch was refused. Those that are wrong by themselves are found by looking;
   * what only the engine sees is found by halving. Sending a good document twice changes nothing.
   */
  async #sortOut(
    batch: LineBatch,
    lines: readonly SourceLine[],
    fault: Fault,
    rejected: RejectedDocument[],
  ): Promise<void> {
    if (indexCodes.has(fault.code)) throw refuse('archive-refused', fault.message);
    const [only, ...more] = lines;
    if (only === undefined) return;
    if (more.length === 0) {
      rejected.push(this.#rejected(batch, only, fault));
      return;
    }
    if (rejected.length >= soughtMax) {
      for (const line of lines) rejected.push(this.#rejected(batch, line, fault));
      return;
    }
    const entry = await entryOf(this.tools, this.#index(batch.indexAt).physicalUid);
    const good: SourceLine[] = [];
    for (const line of lines) {
      const found = faultOf(line.bytes, entry);
      if (found === null) good.push(line);
      else rejected.push(this.#rejected(batch, line, found));
    }
    if (good.length === 0) return;
    const half = good.length < lines.length ? good.length : good.length >> 1;
    for (const part of [good.slice(0, half), good.slice(half)]) {
      await this.#settle(await this.#send({ batch, lines: part, rejected }));
    }
  }

  #rejected({ indexAt }: LineBatch, line: SourceLine, fault: Fault): RejectedDocument {
    const { code, message } = fault;
    return {
      index: this.#index(indexAt).from,
      line: line.line,
      error: { code, message },
      document: line.bytes.toString('utf8'),
      cut: line.cut,
    };
  }

  #index(at: number): PlannedImport {
    const index = this.wanted.plan.indexes[at];
    if (index === undefined) throw refuse('archive-refused', 'The archive is not the one planned.');
    return index;
  }

  /** A write to a name that is free would make an index of default settings. */
  async #demandIndex({ uid, physicalUid }: PlannedImport): Promise<void> {
    const entry = await entryOf(this.tools, physicalUid);
    if (entry.uid === uid) return;
    throw refuse('index-gone', `The index ${uid} was renamed to ${entry.uid} during its import.`);
  }
}

const tooLong: Fault = {
  code: 'payload_too_large',
  message: 'The document is larger than one request may be.',
};
