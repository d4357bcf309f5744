import type { FleetTaskUid, NodeId } from '../../core/ids';
import type { NodeTask } from '../../meili/types';
import type { Lease } from '../../store/record-types';
import type { FleetTask, NodeTaskRef } from '../../store/task-types';
import { clientOf } from '../client-of';
import { hasRun } from '../task-runs';
import { faultOf } from '../writes/node-fault';
import type { FollowerContext } from './follower-context';
import { finishCancelation, isCancelation } from './cancelation';
import { finishDeletion, isDeletion } from './deletion';
import { staleOps, withoutReaders } from './diverged';
import type { Diverged, Loss } from './fold';
import { foldTask, isFinal } from './fold';
import { OrderCheck } from './inversions';
import type { OpenPart } from './node-parts';
import { isOf, partKey, resultOf } from './node-parts';
import { renameEarlierTasks, swappedNames } from './rename-tasks';
import { restoreSettings } from './restore-settings';
import { noteUpdate } from './update-times';

const leaseName = 'follower';
const leaseMs = 3_000;
const renewMs = 1_000;
/** Clients ask every 50 ms; a task that takes a node 10 ms should be over at their first question. */
const pauseMsMin = 2;
const pauseMsMax = 40;
/** After a look it rests so many times as long as that took, at most `pauseMsMax`. */
const restsPerLook = 3;
/** Node tasks asked about in one request, the oldest first: nodes work in this order. */
const uidsPerPoll = 200;
/** A node that does not answer for so long is away: tasks end without it where others have the write. */
const awayMs = 2_000;
/** One slow node does not hold up the tasks of the others. */
const pollWaitMs = 25;

interface NodeWatch {
  polling: Promise<void> | null;
  /** When it stopped answering; null while it answers. */
  silentSince: number | null;
}

/**
 * Follows the nodes' tasks and ends the fleet's. One pod of all does it, by a lease; the state is read
 * from Redis, so any other can go on at any time and comes to the same end.
 */
export class Follower {
  readonly #tasks = new Map<FleetTaskUid, FleetTask>();
  /** Tasks of which something was learnt since they were last folded. */
  readonly #dirty = new Set<FleetTaskUid>();
  readonly #order = new OrderCheck(
    (id) => this.ctx.fleet.current().nodes.find((node) => node.id === id)?.instanceId ?? null,
  );
  /** Node tasks that their nodes do not know, by `fleet task/node/uid`. */
  readonly #forgotten = new Set<string>();
  /** Tasks that have begun and that no pod has committed yet. */
  #enqueuing: readonly FleetTask[] = [];
  readonly #watches = new Map<NodeId, NodeWatch>();
  #lease: Lease | null = null;
  #leaseCheckedAt = 0;
  #leaseUntil = 0;
  #pause = pauseMsMax;
  #stopSleeping: () => void = () => undefined;
  #woken = false;
  #loop: Promise<void> | null = null;
  #closed = false;

  constructor(private readonly ctx: FollowerContext) {}

  start(): void {
    this.#loop ??= this.#run();
  }

  /** This pod has committed a write: look at once. */
  wake(): void {
    this.#pause = pauseMsMin;
    this.#woken = true;
    this.#stopSleeping();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopSleeping();
    await this.#loop;
    if (this.#lease !== null) await this.ctx.store.leases.release(this.#lease).catch(() => false);
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      const began = performance.now();
      try {
        if (await this.#leads()) await this.#tick();
        else this.#forgetAll();
      } catch (error) {
        this.ctx.log.warn({ err: error }, 'following tasks failed; trying again');
        this.#pause = pauseMsMax;
        // What was learnt is kept, but what was to be done with it may not have been done.
        for (const uid of this.#tasks.keys()) this.#dirty.add(uid);
      }
      // To look after each commit of a stream of writes would take the nodes' time from the writes.
      await delay(Math.min(restsPerLook * (performance.now() - began), pauseMsMax));
      await this.#sleep(this.#lease === null ? 200 : this.#pause);
      this.#pause = Math.min(this.#pause * 1.5, pauseMsMax);
    }
  }

  async #leads(): Promise<boolean> {
    const now = performance.now();
    if (this.#lease !== null && now - this.#leaseCheckedAt < renewMs) return true;
    this.#leaseCheckedAt = now;
    this.#lease = this.ctx.pod.ready()
      ? await this.ctx.store.leases.acquire(leaseName, this.ctx.pod.id, leaseMs)
      : null;
    this.#leaseUntil = now + leaseMs;
    return this.#lease !== null;
  }

  async #tick(): Promise<void> {
    await this.#discover();
    if (this.#tasks.size === 0) return;
    const polls = [...this.#openByNode()].map(([node, refs]) => this.#poll(node, refs));
    await Promise.race([Promise.all(polls), delay(pollWaitMs)]);
    for (const uid of this.#tasksToFold()) {
      const task = this.#tasks.get(uid);
      if (task !== undefined) await this.#fold(task);
    }
  }

  /** In the order of uids: tasks of one index end in the order in which they came. */
  #tasksToFold(): FleetTaskUid[] {
    const now = performance.now();
    const away = new Set<NodeId>();
    for (const [node, { silentSince }] of this.#watches) {
      if (silentSince !== null && now - silentSince >= awayMs) away.add(node);
    }
    const uids = new Set(this.#dirty);
    this.#dirty.clear();
    for (const task of this.#tasks.values()) {
      const waits = task.nodeTasks.some(({ node }) => away.has(node));
      const asked =
        isCancelation(task) || isDeletion(task) || task.type === 'indexSwap' || hasRun(task);
      if (waits || asked) uids.add(task.uid);
    }
    return [...uids].sort((a, b) => a - b);
  }

  #forgetAll(): void {
    this.#tasks.clear();
    this.#dirty.clear();
  }

  /** New tasks come in, tasks that were deleted or ended elsewhere go out. */
  async #discover(): Promise<void> {
    const open = new Set(await this.ctx.store.tasks.open());
    if (open.size === 0) this.#order.retain((uid) => this.ctx.fleet.physical(uid) !== null);
    for (const task of this.#tasks.values()) if (!open.has(task.uid)) await this.#ended(task);
    const unknown = [...open].filter((uid) => !this.#tasks.has(uid));
    const found = await Promise.all(unknown.map((uid) => this.ctx.store.tasks.get(uid)));
    this.#enqueuing = found.flatMap((task) => (task?.status === 'enqueuing' ? [task] : []));
    for (const task of found) {
      // Between the two reads it may have ended: what is final is never folded again.
      if (task === null || task.status === 'enqueuing' || task.finishedAt !== null) continue;
      this.#tasks.set(task.uid, task);
      this.#dirty.add(task.uid);
      this.#pause = pauseMsMin;
      await this.#diverge(task, this.#order.see(task));
    }
  }

  #openByNode(): Map<NodeId, OpenPart[]> {
    const byNode = new Map<NodeId, OpenPart[]>();
    for (const { uid: task, nodeTasks } of this.#tasks.values()) {
      for (const ref of nodeTasks) {
        if (isFinal(ref)) continue;
        const parts = byNode.get(ref.node);
        if (parts === undefined) byNode.set(ref.node, [{ task, uid: ref.uid }]);
        else parts.push({ task, uid: ref.uid });
      }
    }
    return byNode;
  }

  async #poll(node: NodeId, parts: readonly OpenPart[]): Promise<void> {
    const watch = this.#watchOf(node);
    watch.polling ??= this.#ask(node, watch, parts).finally(() => {
      watch.polling = null;
    });
    await watch.polling;
  }

  async #ask(node: NodeId, watch: NodeWatch, parts: readonly OpenPart[]): Promise<void> {
    const client = clientOf(this.ctx, node);
    const asked = [...parts].sort((a, b) => a.uid - b.uid).slice(0, uidsPerPoll);
    if (client === null) {
      for (const part of asked) this.#forget(node, part);
      return;
    }
    if (!this.ctx.health.mayServe(node)) {
      // Its numbers may be another disk's: until it has said who it is, it says nothing.
      watch.silentSince ??= performance.now();
      await delay(50);
      return;
    }
    try {
      const uids = [...new Set(asked.map(({ uid }) => uid))];
      const page = await client.tasks({ uids, limit: uids.length, deadlineMs: awayMs });
      watch.silentSince = null;
      this.ctx.health.answered(node);
      this.ctx.identities.saw(node, page.results);
      const byUid = new Map(page.results.map((seen) => [seen.uid, seen]));
      for (const part of asked) this.#learn(node, part, byUid.get(part.uid));
    } catch (error) {
      const fault = faultOf(error);
      if (fault === null) throw error;
      watch.silentSince ??= performance.now();
      this.ctx.health.failed(node, fault.code);
      await delay(50);
    }
  }

  #learn(node: NodeId, part: OpenPart, seen: NodeTask | undefined): void {
    const task = this.#tasks.get(part.task);
    if (task === undefined) return;
    if (seen === undefined || !isOf(task, seen)) {
      this.#forget(node, part);
      return;
    }
    const known = task.nodeTasks.find((ref) => ref.node === node && ref.uid === seen.uid);
    if (known === undefined || known.status === seen.status) return;
    this.ctx.disks.failed(node, seen.error?.code);
    const learnt: NodeTaskRef = { ...known, status: seen.status, result: resultOf(known, seen) };
    const nodeTasks = task.nodeTasks.map((ref) => (ref === known ? learnt : ref));
    this.#tasks.set(task.uid, { ...task, nodeTasks });
    this.#dirty.add(task.uid);
  }

  #forget(node: NodeId, { task, uid }: OpenPart): void {
    this.#forgotten.add(partKey(task, { node, uid }));
    this.#dirty.add(task);
  }

  /** A task that ended elsewhere. What its run ended nobody has been told of yet. */
  async #ended(task: FleetTask): Promise<void> {
    this.#drop(task);
    if (!hasRun(task)) return;
    this.ctx.taskRuns.forget(task.uid);
    const over = await this.ctx.store.tasks.get(task.uid);
    if (over !== null) this.ctx.webhooks.finished(over);
  }

  #drop(task: FleetTask): void {
    this.#tasks.delete(task.uid);
    for (const ref of task.nodeTasks) this.#forgotten.delete(partKey(task.uid, ref));
  }

  async #fold(task: FleetTask): Promise<void> {
    if (isCancelation(task) || isDeletion(task)) {
      const finish = isCancelation(task) ? finishCancelation : finishDeletion;
      const ended = await finish(this.ctx, task);
      if (ended !== null) await this.#end(ended);
      return;
    }
    if (hasRun(task)) {
      await this.ctx.taskRuns.keep(task);
      return;
    }
    const fold = foldTask(task, this.#lost(task));
    if (task.type === 'indexSwap' && this.#hasEarlier(task)) return;
    if (fold.kind === 'final') {
      if (task.type === 'indexSwap') await renameEarlierTasks(this.ctx.store, task);
      const unread = await this.#diverge(task, fold.diverged);
      const ended = unread ? withoutReaders(fold.task) : fold.task;
      if (ended.status !== 'succeeded') await restoreSettings(this.ctx, task);
      const canceler = ended.status === 'canceled' ? this.#cancelerOf(task.uid) : null;
      await this.#end({ ...ended, canceledBy: canceler });
      return;
    }
    if (!fold.processing || task.status === 'processing') return;
    const startedAt = new Date(Math.max(Date.parse(task.enqueuedAt), Date.now())).toISOString();
    const processing: FleetTask = { ...task, status: 'processing', startedAt, batchUid: task.uid };
    this.#tasks.set(task.uid, processing);
    await this.#save(processing);
  }

  async #end(task: FleetTask): Promise<void> {
    if (!(await this.#save(task))) {
      this.#dirty.add(task.uid);
      return;
    }
    this.#drop(task);
    await noteUpdate(this.ctx.store, task);
    this.ctx.webhooks.finished(task);
  }

  /**
   * A swap waits its turn: it gives earlier tasks other names, and those must be over. One that is not
   * committed yet counts too: its pod would write it at the same time.
   */
  #hasEarlier(swap: FleetTask): boolean {
    const names = new Set<string | null>(swappedNames(swap));
    for (const { uid, indexUid } of [...this.#enqueuing, ...this.#tasks.values()]) {
      if (uid < swap.uid && names.has(indexUid)) return true;
    }
    return false;
  }

  /** An old leader must not write over what the new one wrote. */
  async #save(task: FleetTask): Promise<boolean> {
    if (performance.now() >= this.#leaseUntil) return false;
    await this.ctx.store.tasks.save(task);
    return true;
  }

  #cancelerOf(uid: FleetTaskUid): FleetTaskUid | null {
    for (const task of this.#tasks.values()) {
      const matched = isCancelation(task) ? task.extra['matched'] : null;
      if (Array.isArray(matched) && matched.includes(uid)) return task.uid;
    }
    return null;
  }

  #lost(task: FleetTask): Map<NodeId, Loss> {
    const lost = new Map<NodeId, Loss>();
    const now = performance.now();
    for (const { node, uid } of task.nodeTasks) {
      const since = this.#watches.get(node)?.silentSince ?? null;
      if (this.#forgotten.has(partKey(task.uid, { node, uid }))) lost.set(node, 'forgotten');
      else if (since !== null && now - since >= awayMs && !lost.has(node)) lost.set(node, 'away');
    }
    return lost;
  }

  /**
   * Replicas that have other documents than their shard are not read until they are repaired. True: one
   * of them is the last that is read, so what it has is what stands.
   */
  async #diverge(task: FleetTask, diverged: readonly Diverged[]): Promise<boolean> {
    if (diverged.length === 0) return false;
    const { uid } = task;
    const nodes = diverged.map(({ node }) => node).join(',');
    this.ctx.log.warn({ task: uid, nodes }, 'replicas diverged; marking them stale');
    const audit = { who: 'follower', why: `task ${uid}`, what: 'mark stale' };
    let unread = false;
    const fleet = await this.ctx.store.fleet.update(audit, (now) => {
      const stale = staleOps(now, task, diverged);
      unread = stale.refused;
      return stale.ops;
    });
    await this.ctx.fleet.reload(fleet.epoch);
    return unread;
  }

  #watchOf(node: NodeId): NodeWatch {
    let watch = this.#watches.get(node);
    if (watch === undefined) {
      watch = { polling: null, silentSince: null };
      this.#watches.set(node, watch);
    }
    return watch;
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#woken || this.#closed) {
      this.#woken = false;
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#stopSleeping = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#woken = false;
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
