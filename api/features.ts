import { MeiliError } from '../core/errors';
import type { FleetNode } from '../core/fleet';
import { nodeFeatures, servedFeatures } from '../core/served-features';
import type { NodeClient } from '../meili/types';
import type { Store } from '../store/types';

/** In the order in which Meilisearch shows them. */
export const featureNames = [
  'metrics',
  'logsRoute',
  'editDocumentsByFunction',
  'containsFilter',
  'dynamicSearchRules',
  'network',
  'getTaskDocumentsRoute',
  'taskQueueCompactionRoute',
  'compositeEmbedders',
  'chatCompletions',
  'multimodal',
  'foreignKeys',
  'disableDocumentsFetchQueue',
  'legacySearch',
  'renderRoute',
] as const;

export type FeatureName = (typeof featureNames)[number];

/** Their flag is set on every node. */
const ofNodes: readonly FeatureName[] = nodeFeatures;

/** How Meilisearch's error text names a feature, and where it says that the feature is discussed. */
const texts: Readonly<Partial<Record<FeatureName, readonly [name: string, link: string]>>> = {
  metrics: ['metrics', 'product/discussions/625'],
  logsRoute: ['logs route', 'discussions/721'],
  editDocumentsByFunction: ['edit documents by function', 'discussions/762'],
  dynamicSearchRules: ['dynamic search rules', 'discussions/884'],
  network: ['network', 'discussions/805'],
  getTaskDocumentsRoute: ['get task documents route', 'discussions/808'],
  taskQueueCompactionRoute: ['task queue compaction route', 'discussions/883'],
  chatCompletions: ['chat completions', 'discussions/835'],
  renderRoute: ['render_route', 'discussions/888'],
};

export function isServed(name: FeatureName): boolean {
  return servedFeatures.includes(name);
}

/** Meilisearch's refusal of `action` while the feature is off. */
export function featureNotEnabled(name: FeatureName, action: string): MeiliError {
  const [shown, link] = texts[name] ?? [name, 'discussions'];
  const owner = link.startsWith('product/') ? 'meilisearch' : 'orgs/meilisearch';
  return new MeiliError(
    'feature_not_enabled',
    `${action} requires enabling the \`${shown}\` experimental feature. See https://github.com/${owner}/${link}`,
  );
}

/**
 * The experimental features of the fleet, in memory; loaded anew with each state of the fleet. Nodes
 * are told of theirs when they change and whenever a node answers that has not been told: it may have
 * joined later, or been away.
 */
export class Features {
  #enabled: ReadonlySet<string> = new Set();
  #wereSet: ReadonlySet<string> = new Set();
  readonly #told = new Map<string, string>();
  #reloads = 0;
  #applied = 0;

  constructor(private readonly store: Pick<Store, 'experimentalFeatures'>) {}

  async reload(): Promise<void> {
    this.#reloads += 1;
    const turn = this.#reloads;
    const records = await this.store.experimentalFeatures.list();
    // What was asked for earlier may arrive later, and knows less.
    if (turn < this.#applied) return;
    this.#applied = turn;
    this.#wereSet = new Set(records.map(({ name }) => name));
    this.#enabled = new Set(records.filter(({ enabled }) => enabled).map(({ name }) => name));
  }

  enabled(name: FeatureName): boolean {
    return this.#enabled.has(name);
  }

  /** Throws Meilisearch's `feature_not_enabled`. */
  demand(name: FeatureName, action: string): void {
    if (!this.enabled(name)) throw featureNotEnabled(name, action);
  }

  view(): Record<string, boolean> {
    return Object.fromEntries(featureNames.map((name) => [name, this.#enabled.has(name)]));
  }

  /** Tells a node what it has not been told. Features that nobody ever set stay as the node has them. */
  async tell(node: FleetNode, client: NodeClient): Promise<void> {
    const wanted = Object.fromEntries(
      ofNodes
        .filter((name) => this.#wereSet.has(name))
        .map((name) => [name, this.#enabled.has(name)]),
    );
    const text = JSON.stringify([node.url, wanted]);
    if (Object.keys(wanted).length === 0 || this.#told.get(node.id) === text) return;
    await client.enableFeatures(wanted);
    this.#told.set(node.id, text);
  }

  /** The node does not answer: when it comes back it may be another one. */
  forget(node: FleetNode): void {
    this.#told.delete(node.id);
  }
}
