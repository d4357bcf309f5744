import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiClient } from '../../../cli/client';
import { isOver, operation } from '../../../cli/operations';
import type { Operation } from '../../../cli/operations';
import { startFleet } from '../../../local/fleet';
import type { FleetOptions, RunningFleet } from '../../../local/fleet';
import { waitFor } from '../../support/wait-for';
import { PageReader } from '../page-reader';
import type { Page } from '../page-reader';
import type { Topology } from '../../../cli/topology';

const deadlineMs = 60_000;

/** Short: an operation waits at each of its barriers for the longest request. */
const settings = {
  ...{ MIROIR_REQUEST_DEADLINE_MS: '1500', MIROIR_NODE_DEADLINE_MS: '1200' },
  ...{ MIROIR_FENCE_MAX_MS: '600', MIROIR_SYNC_BARRIER_EXTRA_MS: '50' },
  ...{ MIROIR_SYNC_GRACE_MS: '200', MIROIR_META_EVERY_MS: '200' },
  ...{ MIROIR_POD_LEASE_MS: '3000', MIROIR_POD_HEARTBEAT_MS: '200' },
  ...{ MIROIR_REPAIR_AUTOMATIC: 'false', MIROIR_REPAIR_REBUILD_NODES: 'false' },
  MIROIR_OUTBOUND_ALLOW_LOOPBACK: 'true',
};

/** A fleet, machines that can become its nodes, and somebody who reads its pages. */
export class Yard {
  readonly #directory = mkdtempSync(join(tmpdir(), 'miroir-pages-'));
  readonly #options: FleetOptions;
  readonly #outcomes = new Map<string, Promise<void>>();
  #fleet: RunningFleet | null = null;
  #reader: PageReader | null = null;

  constructor(options: FleetOptions) {
    this.#options = { ...options, settings: { ...settings, ...options.settings } };
  }

  /**
   * Starts the fleet and begins with the pages, one after another; does not wait for them: `outcome` tells
   * of each.
   */
  async start(pages: readonly Page[]): Promise<void> {
    this.#fleet = await startFleet(this.#options);
    this.#reader = new PageReader(this.#fleet, this.#directory);
    let before = Promise.resolve();
    for (const page of pages) {
      const outcome = before.then(() => this.#read(page));
      this.#outcomes.set(page.name, outcome);
      // A page that failed is told of by its own test, and the next one is read all the same.
      before = outcome.catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#outcomes.values());
    await this.#fleet?.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get fleet(): RunningFleet {
    if (this.#fleet === null) throw new Error('The fleet was not started.');
    return this.#fleet;
  }

  get reader(): PageReader {
    if (this.#reader === null) throw new Error('The fleet was not started.');
    return this.#reader;
  }

  get api(): ApiClient {
    return this.reader.api;
  }

  async outcome(page: string): Promise<void> {
    const outcome = this.#outcomes.get(page);
    if (outcome === undefined) throw new Error(`Nobody reads the page ${page}.`);
    await outcome;
  }

  async #read(page: Page): Promise<void> {
    const { fill = (command: string) => command } = page;
    await this.reader.read({
      ...page,
      fill: async (command) => {
        const filled = await fill(command);
        return filled === null ? null : await this.#named(filled);
      },
    });
  }

  /** Addresses of nodes that a page makes up are those of nodes that run. */
  async #named(command: string): Promise<string> {
    let named = command;
    for (const [address, id = ''] of command.matchAll(/http:\/\/(meili-\d+):7700/g)) {
      named = named.replace(address, await this.urlOf(id));
    }
    if (/[<…]/.test(named)) throw new Error(`Not filled in: ${named}`);
    return named;
  }

  /** The address of a node, which is started when it does not run yet. */
  async urlOf(id: string): Promise<string> {
    const present = this.fleet.nodes().find((node) => node.id === id);
    return (present ?? (await this.fleet.addNodeProcess({ id }))).url;
  }

  /** Types what the page does not say but takes for given. */
  async does(command: string): Promise<string> {
    return await this.reader.type(await this.#named(command));
  }

  /** Types it, and lets the plan run that it asks for. */
  async doesApproved(command: string, id: string): Promise<void> {
    await this.does(command);
    await this.approves(id);
    await this.ended(id);
  }

  async approves(id: string): Promise<void> {
    await this.planned(id);
    await this.api.post(`/_miroir/operations/${encodeURIComponent(id)}/approve`);
  }

  planned(id: string): Promise<Operation> {
    return this.#operation(id, 'be planned', ({ status }) => status === 'waiting-approval');
  }

  async ended(id: string, status = 'succeeded'): Promise<void> {
    expect(await this.#operation(id, 'end', isOver)).toMatchObject({ id, status });
  }

  /** Until it waits for what a person does. */
  async asks(id: string, what: RegExp): Promise<void> {
    await this.#operation(id, `ask for ${String(what)}`, ({ progress }) =>
      what.test(progress.waitingFor ?? ''),
    );
  }

  /** Until one of the syncs that run is in the phase. */
  syncing(phase: string): Promise<string> {
    return waitFor(
      async () => {
        const path = '/_miroir/operations?kind=sync&status=running&limit=100';
        const { results } = await this.api.get<{ results: Operation[] }>(path);
        return results.find((sync) => sync.phase === phase)?.id;
      },
      { what: `a sync in ${phase}`, deadlineMs },
    );
  }

  topology(): Promise<Topology> {
    return this.api.get<Topology>('/_miroir/topology');
  }

  async node(id: string): Promise<Topology['nodes'][number] | undefined> {
    return (await this.topology()).nodes.find((node) => node.id === id);
  }

  async index(uid: string): Promise<Topology['indexes'][number] | undefined> {
    return (await this.topology()).indexes.find((index) => index.uid === uid);
  }

  async until(what: string, condition: () => Promise<unknown>): Promise<void> {
    await waitFor(condition, { what, deadlineMs });
  }

  #operation(id: string, what: string, is: (view: Operation) => boolean): Promise<Operation> {
    return waitFor(
      async () => {
        const view = await operation(this.api, id);
        if (is(view)) return view;
        const { status, phase, progress, error } = view;
        const why = typeof error === 'string' ? error : progress.waitingFor;
        throw new Error(`${status} ${phase}: ${why ?? 'working'}`);
      },
      { what: `${id} to ${what}`, deadlineMs },
    );
  }
}

/** Of so many documents a copy is made, and a throttle to one a second holds it. */
export const documents = (count: number, from = 0): object[] =>
  Array.from({ length: count }, (_, at) => ({ id: from + at, title: `film ${from + at}` }));
