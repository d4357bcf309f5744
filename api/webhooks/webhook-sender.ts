import type { OutboundRules } from '../../meili/outbound-guard';
import type { Webhook } from '../../store/record-types';
import type { FleetTask } from '../../store/task-types';
import type { Store } from '../../store/types';
import type { Log } from '../log';
import { taskView } from '../routes/tasks/task-view';
import { deliver, deliveryBody } from './deliver';

/** Tasks that end together are told together. */
const gatherMs = 20;
/** Tasks that wait to be told while deliveries are slow; what comes on top of it is dropped. */
const waitingMax = 10_000;

/**
 * Tells the webhooks of finished tasks. The pod that stores the end of a task tells of it: the elected
 * follower for what nodes worked off, the writing pod for what was over at once. Each task is told at
 * most once; a pod that dies in between tells nobody, as a Meilisearch does that is stopped.
 */
export class WebhookSender {
  #webhooks: readonly Webhook[] = [];
  #waiting: FleetTask[] = [];
  #sending: Promise<void> | null = null;
  readonly #closing = new AbortController();

  constructor(
    private readonly parts: {
      readonly store: Pick<Store, 'webhooks'>;
      readonly rules: OutboundRules;
      readonly log: Log;
    },
  ) {}

  async reload(): Promise<void> {
    this.#webhooks = await this.parts.store.webhooks.list();
  }

  /** As of the last load, in the order of their uuids. */
  list(): readonly Webhook[] {
    return this.#webhooks;
  }

  finished(task: FleetTask): void {
    if (this.#webhooks.length === 0 || this.#closing.signal.aborted) return;
    if (this.#waiting.length >= waitingMax) {
      this.parts.log.warn({ task: task.uid }, 'webhooks are too slow; a task is not told');
      return;
    }
    this.#waiting.push(task);
    this.#sending ??= this.#send().finally(() => {
      this.#sending = null;
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#sending;
  }

  async #send(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#closing.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, gatherMs));
      const tasks = this.#waiting;
      this.#waiting = [];
      const body = await deliveryBody(tasks.map(taskView));
      await Promise.all(this.#webhooks.map((webhook) => this.#tell(webhook, body)));
    }
  }

  async #tell(webhook: Webhook, body: Buffer): Promise<void> {
    const { rules, log } = this.parts;
    try {
      await deliver(webhook, body, { rules, signal: this.#closing.signal });
    } catch (error) {
      log.warn({ webhook: webhook.uuid, err: error }, 'webhook was not told of finished tasks');
    }
  }
}
