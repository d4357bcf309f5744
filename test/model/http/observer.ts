import type { Fleet } from '../../../core/fleet';
import { fleetTaskUid } from '../../../core/ids';
import type { RunLog } from '../check/log';
import { isFinal } from '../check/log';
import { alias } from '../story/generate';
import type { HttpFleet } from './http-fleet';
import { pause } from './http-fleet';

const lookMs = 40;

/** What every pod knew before a search began; null: they were not of one mind. */
export interface Known {
  readonly epoch: number;
  readonly physicalUid: string;
}

/**
 * Follows tasks and epochs in Redis for the log. It sees a task's end a moment late, so the checker takes
 * a few more documents for ones that are being written; never fewer.
 */
export class Observer {
  #seen = 0;
  #stopped = false;
  #loop: Promise<void> = Promise.resolve();
  #fleet: Fleet | null = null;

  constructor(
    private readonly fleet: HttpFleet,
    private readonly log: RunLog,
    private readonly now: () => number,
  ) {}

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
    await this.look();
  }

  /** Every task as it is now. Throws when Redis is away. */
  async look(): Promise<void> {
    const { tasks, fleet } = this.fleet.store;
    const open = [...this.log.tasks.values()].filter((task) => !isFinal(task));
    const see = async (uid: number): Promise<void> => {
      const task = await tasks.get(fleetTaskUid(uid));
      if (task === null) return;
      this.log.see(uid, JSON.stringify(task), { at: this.now(), epoch: await fleet.epoch() });
    };
    const last = await tasks.lastUid();
    for (const { uid } of open) await see(uid);
    // Redis may go away at any of them: a task counts as seen when it was.
    for (; last !== null && this.#seen <= last; this.#seen += 1) await see(this.#seen);
  }

  /** The index that a name means, as long as all pods have one epoch, which is the newest. */
  async known(name: string): Promise<Known | null> {
    try {
      const epoch = await this.fleet.store.fleet.epoch();
      const pods = await this.fleet.pods();
      if (pods.some((pod) => pod.epoch !== epoch)) return null;
      if (this.#fleet?.epoch !== epoch) this.#fleet = await this.fleet.load();
      const { indexes, aliases } = this.#fleet;
      const meant = name === alias ? aliases.find((one) => one.name === name)?.targets[0] : name;
      const entry = indexes.find(({ uid }) => uid === meant);
      return entry === undefined ? null : { epoch, physicalUid: entry.physicalUid };
    } catch {
      // Redis is away.
      return null;
    }
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await this.look().catch(() => undefined);
      await pause(lookMs);
    }
  }
}
