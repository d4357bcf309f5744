import { isMeiliError, MeiliError } from '../../core/errors';
import type { NodeId, PhysicalUid } from '../../core/ids';
import type { FleetCache } from '../fleet-cache';
import { writeName } from './operations/common';
import { IndexWriter } from './index-writer';
import type { WriterContext } from './index-writer';
import { KeyedQueue } from './keyed-queue';
import { makeMissedIndexes, missedIndexes } from './missed-indexes';
import type { Operation } from './plan';
import { removeOrphans } from './orphans';
import { Readiness } from './readiness';
import { settleOutstanding } from './settle';
import type { BegunWrite } from './write-run';
import { WriteRun } from './write-run';
import type { WriteOutcome, Writes } from './writes';

/** Writes of one index that may wait in one pod; each holds its body in memory. */
const queueMax = 1_000;
const sweepMs = 1_000;
/** Orphans take room and do no harm, so they are looked for only once in so many sweeps. */
const sweepsPerOrphanSearch = 30;
const sweepsPerMissedSearch = 5;
/** A pod that was only slow registers anew long before. */
const deadKeptMs = 300_000;
/** Names may change their meaning while a write waits, but not for ever. */
const renamesMax = 10;

/**
 * Where every write of this pod goes through. Writes to one name wait for each other in the order in
 * which they came; what a name means is looked up only when it is a write's turn.
 */
export class WriteService implements Writes {
  readonly #names = new KeyedQueue();
  readonly #physical = new KeyedQueue();
  readonly #writers = new Map<PhysicalUid, IndexWriter>();
  readonly #ctx: WriterContext;
  #nonces = 0;
  #sweeps = 0;
  #sweeping: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(ctx: Omit<WriterContext, 'readiness' | 'nextNonce' | 'running'>) {
    this.#ctx = {
      ...ctx,
      running: new Set(),
      readiness: new Readiness(ctx.store),
      nextNonce: () => `${ctx.pod.id}:${++this.#nonces}`,
    };
    ctx.pod.onLost(async () => this.loseAll());
  }

  async submit(operation: Operation): Promise<WriteOutcome> {
    const { fleet } = this.#ctx;
    for (let attempt = 0; attempt < renamesMax; attempt += 1) {
      if (this.#closed) break;
      const names = operation.names.map((name) => writeName(fleet, name));
      const fullest = Math.max(0, ...names.map((name) => this.#names.length(name)));
      if (fullest >= queueMax) throw tooMany();
      const begun = await this.#names.run(names, () => this.#beginNow(operation));
      if (begun !== null) return await begun.outcome;
    }
    throw new MeiliError(
      'miroir_not_ready',
      'This pod is closing, or the names of indexes keep changing. Retry.',
    );
  }

  /** Ends the writes that pods left which died, also of indexes that nobody writes to. */
  start(): void {
    this.#sweeping = setInterval(() => {
      this.sweep().catch((error: unknown) => {
        this.#ctx.log.warn({ err: error }, 'sweep for left writes failed');
      });
    }, sweepMs);
    this.#sweeping.unref();
  }

  async sweep(): Promise<void> {
    if (this.#closed || !this.#ctx.pod.ready()) return;
    this.#sweeps += 1;
    if (this.#sweeps % sweepsPerOrphanSearch === 0) await removeOrphans(this.#ctx);
    const unsettled = await this.#ctx.store.writers.unsettled();
    if (unsettled.length === 0) await this.#signOffTheDead();
    await this.#settleNoIndex();
    for (const uid of unsettled) {
      if (uid === null) continue;
      if (this.#isQuiet(uid)) {
        await this.#alone(uid, async (writer) => await writer.settle(performance.now()));
      }
    }
    if (this.#sweeps % sweepsPerMissedSearch === 0) await this.#makeMissed();
  }

  async #makeMissed(): Promise<void> {
    for (const [uid, nodes] of await missedIndexes(this.#ctx)) {
      // Somebody writes to it: that gives it to the nodes it goes to, and the others wait for a quiet moment.
      if (!this.#isQuiet(uid)) continue;
      await this.#alone(uid, async (writer) => {
        try {
          await makeMissedIndexes(this.#ctx, writer, { uid, nodes });
        } catch (error) {
          // Another pod writes to it.
          if (!isMeiliError(error)) throw error;
        }
        if (this.#ctx.fleet.physical(uid) === null) await this.#forget(uid, writer);
      });
    }
  }

  /**
   * Whether this pod may make its node key again after a node refused it: only with its pod lease, and
   * only after every writer lease was confirmed, so that nothing goes out under a lost one.
   */
  async confirmLeases(): Promise<boolean> {
    await Promise.all([...this.#writers.values()].map((writer) => writer.tenure.confirm()));
    return !this.#closed && this.#ctx.pod.ready();
  }

  /** A node came back with another disk: whether it has an index must be asked again. */
  forgetNode(node: NodeId): void {
    this.#ctx.readiness.forget(node);
  }

  loseAll(): void {
    for (const writer of this.#writers.values()) writer.tenure.lose();
  }

  /** Lets the writes under way end and gives the leases back. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#sweeping !== null) clearInterval(this.#sweeping);
    for (const uid of this.#writers.keys()) {
      await this.#alone(uid, async (writer) => {
        await writer.tenure.release().catch((error: unknown) => {
          this.#ctx.log.warn({ err: error, index: uid }, 'could not give a writer lease back');
        });
      });
    }
  }

  /** Resolves when the next write of the same names may begin. */
  async #beginNow(operation: Operation): Promise<BegunWrite | null> {
    const uid = operation.target(this.#ctx.fleet);
    if (uid === null)
      return await ended(await new WriteRun(this.#ctx, operation, null, null).begin());
    return await this.#physical.run([uid], async () => {
      const writer = this.#writer(uid);
      try {
        const begun = await new WriteRun(this.#ctx, operation, writer, uid).begin();
        if (begun === null || !begun.overlaps) return await ended(begun);
        const last = (): void => void this.#afterLast(uid, writer);
        begun.outcome.then(last, last);
        return begun;
      } finally {
        const names = operation.names.map((name) => safeName(this.#ctx.fleet, name));
        const waiting = names.some((name) => this.#names.length(name) > 1);
        if (waiting || this.#physical.length(uid) > 1) await writer.tenure.share();
        else this.#afterLast(uid, writer, 1);
        if (this.#ctx.fleet.physical(uid) === null) await this.#forget(uid, writer);
      }
    });
  }

  /** The lease is given back a while after the last write; `running`: jobs of the index that are ending. */
  #afterLast(uid: PhysicalUid, writer: IndexWriter, running = 0): void {
    if (writer.flight.size === 0 && this.#physical.length(uid) === running) writer.tenure.idle();
  }

  #isQuiet(uid: PhysicalUid): boolean {
    return this.#physical.length(uid) === 0 && (this.#writers.get(uid)?.flight.size ?? 0) === 0;
  }

  /** Runs the job while no write of the index is under way in this pod. */
  async #alone(uid: PhysicalUid, job: (writer: IndexWriter) => Promise<void>): Promise<void> {
    await this.#physical.run([uid], async () => {
      const writer = this.#writer(uid);
      await writer.flight.drained();
      await job(writer);
    });
  }

  #writer(uid: PhysicalUid): IndexWriter {
    let writer = this.#writers.get(uid);
    if (writer === undefined) {
      writer = new IndexWriter(this.#ctx, uid);
      this.#writers.set(uid, writer);
    }
    return writer;
  }

  /** Of an index that is gone nothing is kept. */
  async #forget(uid: PhysicalUid, writer: IndexWriter): Promise<void> {
    await writer.flight.drained();
    await writer.tenure.release();
    this.#writers.delete(uid);
  }

  /** Nothing is left to settle, so nobody needs the key of a pod that died any more. */
  async #signOffTheDead(): Promise<void> {
    const { pods } = this.#ctx.store;
    const longAgo = (await pods.time()) - deadKeptMs;
    for (const pod of await pods.list()) {
      if (pod.kind === 'api' && pod.leaseUntil < longAgo) await pods.unregister(pod.id);
    }
  }

  /**
   * Tasks of no index have no lease: those of pods that are gone may be taken over, and this pod's own
   * that it has given up, because it never learnt that they began or could not end them.
   */
  async #settleNoIndex(): Promise<void> {
    const { store, pod: self, running } = this.#ctx;
    const alive = new Set((await store.pods.list()).filter((pod) => pod.alive).map(({ id }) => id));
    const left = (await store.writers.outstanding(null)).filter(({ pod, nonce }) =>
      pod === self.id ? !running.has(nonce) : !alive.has(pod),
    );
    if (left.length > 0)
      await settleOutstanding(this.#ctx, { physicalUid: null, fence: null, only: left });
  }
}

/** The same, when it has ended in whatever way. */
async function ended(begun: BegunWrite | null): Promise<BegunWrite | null> {
  await begun?.outcome.catch(() => undefined);
  return begun;
}

function safeName(fleet: FleetCache, name: string): string {
  try {
    return writeName(fleet, name);
  } catch {
    return name;
  }
}

function tooMany(): MeiliError {
  return new MeiliError(
    'too_many_search_requests',
    `Too many writes wait for this index: ${queueMax}. Retry after 10s.`,
  );
}
