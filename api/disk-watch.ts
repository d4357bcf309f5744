import type { Config } from '../config/config';
import { nextDiskState, readNodeExporter } from '../core/disk';
import { MeiliError } from '../core/errors';
import type { FleetNode } from '../core/fleet';
import type { NodeId } from '../core/ids';
import { checkOutbound } from '../meili/outbound-guard';
import type { NodeDisk } from '../store/node-disks';
import type { Nodes } from '../meili/types';
import type { Store } from '../store/types';
import type { FleetCache } from './fleet-cache';
import type { Log } from './log';
import type { Pod } from './pod';

interface DiskContext {
  readonly config: Config;
  readonly store: Store;
  readonly fleet: FleetCache;
  readonly nodes: Nodes;
  readonly pod: Pod;
  readonly log: Log;
}

const leaseName = 'disk-watch';
const deadlineMs = 5_000;
/** A node may try again so long after a write failed there for want of room. */
const fullHoldMs = 60_000;

/** What the engine says when there is no room. */
const fullCodes: ReadonlySet<string> = new Set([
  'no_space_left_on_device',
  'database_size_limit_reached',
]);

/**
 * The room of each node, as this pod knows it. One pod measures, by a lease, and all read what it saw;
 * so a mark is passed, and left behind, on all pods alike.
 */
export class DiskWatch {
  #disks: ReadonlyMap<NodeId, NodeDisk> = new Map();
  /** What failed here, and when all pods could know: a measure that began before knows nothing of it. */
  readonly #failures = new Map<NodeId, { readonly disk: NodeDisk; toldAt: number }>();
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;

  constructor(private readonly ctx: DiskContext) {}

  start(): void {
    this.#timer = setInterval(() => void this.look(), this.ctx.config.disk.everyMs);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#looking;
  }

  of(node: NodeId): NodeDisk | null {
    return this.#disks.get(node) ?? null;
  }

  async look(): Promise<void> {
    this.#looking ??= this.#turn()
      .catch((error: unknown) => {
        this.ctx.log.warn({ err: error }, 'the room of the nodes was not looked at');
      })
      .finally(() => {
        this.#looking = null;
      });
    await this.#looking;
  }

  /** A node task failed: when for want of room, the node is full from now on. */
  failed(node: NodeId, code: string | undefined): void {
    if (code === undefined || !fullCodes.has(code) || this.of(node)?.state === 'full') return;
    const known = this.of(node);
    const disk: NodeDisk = {
      ...{ state: 'full', at: Date.now(), failedAt: Date.now() },
      usedBytes: known?.usedBytes ?? null,
      capacityBytes: known?.capacityBytes ?? null,
    };
    const failure = { disk, toldAt: Infinity };
    this.#failures.set(node, failure);
    this.#disks = new Map([...this.#disks, [node, disk]]);
    this.ctx.log.error(
      { node, code },
      'a node has no room left; writes that make it grow are refused',
    );
    this.ctx.store.nodeDisks
      .put(node, disk)
      .catch((error: unknown) => {
        this.ctx.log.warn({ node, err: error }, 'that a node is full was not noted');
      })
      .finally(() => (failure.toldAt = Date.now()));
  }

  /** Throws for a write that would make a full node grow. Nothing was written. */
  demandRoom(nodes: Iterable<NodeId>): void {
    for (const node of nodes) {
      if (this.of(node)?.state !== 'full') continue;
      throw new MeiliError(
        'miroir_disk_full',
        `Node \`${node}\` has no room left, so documents and settings are not taken for the shards that it holds. Deletes are. Make room there, or move shards away.`,
      );
    }
  }

  async #turn(): Promise<void> {
    const { config, store, pod, fleet } = this.ctx;
    const begunAt = Date.now();
    const failures = (): [NodeId, NodeDisk][] =>
      [...this.#failures].flatMap(([node, { disk, toldAt }]) =>
        toldAt >= begunAt ? [[node, disk]] : [],
      );
    const lease = await store.leases.acquire(leaseName, pod.id, config.disk.everyMs * 3 + 1_000);
    const before = await store.nodeDisks.all();
    if (lease === null) {
      this.#disks = new Map([...before, ...failures()]);
      return;
    }
    const now = new Map<NodeId, NodeDisk>();
    for (const node of fleet.current().nodes) {
      const known = before.get(node.id) ?? null;
      const disk = await this.#measure(node, known);
      if (disk === null) continue;
      now.set(node.id, disk);
      if (disk !== known) await store.nodeDisks.put(node.id, disk);
    }
    for (const [node, disk] of failures()) {
      now.set(node, disk);
      await store.nodeDisks.put(node, disk);
    }
    this.#disks = now;
  }

  /** What was known where the node does not answer. */
  async #measure(node: FleetNode, known: NodeDisk | null): Promise<NodeDisk | null> {
    const { config, log } = this.ctx;
    try {
      const room = await this.#roomOf(node);
      // The engine knows better than a capacity that somebody wrote down.
      if (known !== null && failedLately(known)) return { ...known, ...room };
      if (room === null) return known?.failedAt === undefined ? known : freed(known);
      const use = room.usedBytes / room.capacityBytes;
      const state = nextDiskState(known?.state ?? 'ok', use, config.disk);
      if (state !== (known?.state ?? 'ok')) {
        log.warn({ node: node.id, state, use: Math.round(use * 100) }, 'a mark of room was passed');
      }
      return { state, ...room, at: Date.now() };
    } catch (error) {
      log.debug({ node: node.id, err: error }, 'the room of a node was not seen');
      return known;
    }
  }

  async #roomOf(node: FleetNode): Promise<{ usedBytes: number; capacityBytes: number } | null> {
    const { config, nodes } = this.ctx;
    const { metricsUrl, mountpoint, capacities, capacityBytes } = config.disk;
    if (metricsUrl !== null) return await exported(node, { metricsUrl, mountpoint, config });
    const capacity = capacities[node.id] ?? capacityBytes;
    if (capacity === null) return null;
    const { databaseSize } = await nodes.client(node).allStats({ deadlineMs });
    return { usedBytes: databaseSize, capacityBytes: capacity };
  }
}

/** What a failed write has shown is believed for a while; then the next one may try. */
const failedLately = ({ failedAt }: NodeDisk): boolean =>
  failedAt !== undefined && Date.now() - failedAt < fullHoldMs;

const freed = ({ failedAt: _, ...known }: NodeDisk): NodeDisk => ({
  ...known,
  ...{ state: 'ok', at: Date.now() },
});

async function exported(
  node: FleetNode,
  how: { readonly metricsUrl: string; readonly mountpoint: string; readonly config: Config },
): Promise<{ usedBytes: number; capacityBytes: number }> {
  const url = how.metricsUrl.replaceAll('{host}', new URL(node.url).hostname);
  const verdict = await checkOutbound(url, how.config.outbound);
  if (!verdict.ok) throw new Error(verdict.reason);
  const answer = await fetch(url, { signal: AbortSignal.timeout(deadlineMs), redirect: 'error' });
  const room = readNodeExporter(await answer.text(), how.mountpoint);
  if (room === null) throw new Error(`${url} does not name the mount point ${how.mountpoint}.`);
  return { usedBytes: room.size - room.free, capacityBytes: room.size };
}
