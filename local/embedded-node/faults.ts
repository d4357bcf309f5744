/**
 * Faults on demand: rules that make a healthy node answer late, wrongly or not at all. A rule names
 * the requests it concerns, and how many of them; afterwards it is gone.
 */

export type FaultAction =
  /** Waits before the request is handled. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Answers this instead of handling the request. */
  | { readonly kind: 'error'; readonly status: number; readonly body?: unknown }
  /** Takes the request and never answers; `after` lets its effect happen. */
  | { readonly kind: 'hang'; readonly when?: 'before' | 'after' }
  /** Closes the connection; `after` lets the effect happen and loses only the answer. */
  | { readonly kind: 'drop'; readonly when: 'before' | 'after' }
  /** Document tasks fail with no_space_left_on_device when their turn comes. */
  | { readonly kind: 'diskFull' }
  /** Requests that write are refused with no_space_left_on_device. */
  | { readonly kind: 'rejectWrites' }
  /** The task queue stands still: tasks are accepted but not processed. */
  | { readonly kind: 'holdTasks' };

export interface FaultRule {
  /** Regular expression that the method must match; all methods if absent. */
  readonly method?: string;
  /** Regular expression on path and query; all paths if absent. For `diskFull` on `/indexes/<uid>/documents`. */
  readonly path?: string;
  /** How many requests (or tasks) the rule concerns; without limit if absent. */
  readonly count?: number;
  readonly action: FaultAction;
}

export interface ActiveFault {
  readonly id: number;
  readonly rule: FaultRule;
  /** Null means without limit. */
  remaining: number | null;
}

const KINDS = ['delay', 'error', 'hang', 'drop', 'diskFull', 'rejectWrites', 'holdTasks'];

/** The rules of one node. All methods act at once. */
export class FaultControl {
  private faults: ActiveFault[] = [];
  private nextId = 1;

  /** `onChange` is told of every change of the rules; the task queue wakes up by it. */
  constructor(private readonly onChange: () => void = () => undefined) {}

  /** Adds a rule; returns its id. Throws `SyntaxError` when a pattern is no regular expression. */
  add(rule: FaultRule): number {
    if (!KINDS.includes(rule.action.kind))
      throw new SyntaxError(`No such fault: ${rule.action.kind}`);
    void new RegExp(rule.method ?? '');
    void new RegExp(rule.path ?? '');
    const id = this.nextId;
    this.nextId += 1;
    this.faults.push({ id, rule, remaining: rule.count ?? null });
    this.onChange();
    return id;
  }

  list(): readonly ActiveFault[] {
    return this.faults;
  }

  /** Removes one rule, or all. */
  clear(id?: number): void {
    this.faults = id === undefined ? [] : this.faults.filter((fault) => fault.id !== id);
    this.onChange();
  }

  /** The first rule of one of these kinds that concerns the request; it counts as used. */
  take(kinds: readonly FaultAction['kind'][], method: string, path: string): FaultAction | null {
    const fault = this.faults.find(
      ({ rule }) =>
        kinds.includes(rule.action.kind) &&
        new RegExp(rule.method ?? '').test(method) &&
        new RegExp(rule.path ?? '').test(path),
    );
    if (fault === undefined) return null;
    if (fault.remaining !== null) {
      fault.remaining -= 1;
      if (fault.remaining <= 0) this.faults = this.faults.filter((other) => other !== fault);
    }
    return fault.rule.action;
  }

  /** Whether the queue must stand still. */
  holdsTasks(): boolean {
    return this.faults.some(({ rule }) => rule.action.kind === 'holdTasks');
  }
}
