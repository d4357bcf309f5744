/** What one pod saw in its last window. Published to Redis by each pod, read by the guard. */
export interface PodFigures {
  readonly pod: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly requests: number;
  /** Answered with a 5xx. */
  readonly errors: number;
  readonly searches: number;
  readonly searchP95Ms: number;
}

export interface SloFigures {
  readonly requests: number;
  readonly errorRate: number;
  /** Of the slowest pod: a mean would hide it. */
  readonly searchP95Ms: number;
  readonly nodeQueueTasks: number;
  /** Red canaries. */
  readonly canaries: readonly string[];
}

export interface SloLimits {
  readonly searchP95Ms: number;
  readonly errorRate: number;
  readonly nodeQueueTasks: number;
}

/** Fewer requests in a window say nothing of a rate or a percentile. */
const requestsMin = 20;

export function sumFigures(
  pods: readonly PodFigures[],
  rest: Pick<SloFigures, 'nodeQueueTasks' | 'canaries'>,
): SloFigures {
  const requests = pods.reduce((sum, pod) => sum + pod.requests, 0);
  const errors = pods.reduce((sum, pod) => sum + pod.errors, 0);
  const searching = pods.filter(({ searches }) => searches >= requestsMin);
  return {
    requests,
    errorRate: requests < requestsMin ? 0 : errors / requests,
    searchP95Ms: Math.max(0, ...searching.map((pod) => pod.searchP95Ms)),
    ...rest,
  };
}

/** What is beyond its limit, in words with its numbers; empty when all is well. */
export function breaches(figures: SloFigures, limits: SloLimits): string[] {
  const found: string[] = [];
  if (figures.searchP95Ms > limits.searchP95Ms) {
    found.push(`search p95 ${round(figures.searchP95Ms)} ms > ${limits.searchP95Ms} ms`);
  }
  if (figures.errorRate > limits.errorRate) {
    found.push(`errors ${round(figures.errorRate * 100)} % > ${round(limits.errorRate * 100)} %`);
  }
  if (figures.nodeQueueTasks > limits.nodeQueueTasks) {
    found.push(`a node has ${figures.nodeQueueTasks} tasks waiting > ${limits.nodeQueueTasks}`);
  }
  if (figures.canaries.length > 0) found.push(`red canaries: ${figures.canaries.join(', ')}`);
  return found;
}

const round = (value: number): number => Math.round(value * 10) / 10;

export type GuardStep = 'halve' | 'pause' | 'rollback' | 'resume' | 'restore';

/** What the guard has done to one operation so far. */
export interface GuardState {
  /** The rate before the guard touched it; `undefined`: it has not. */
  readonly rateBefore?: number | null;
  readonly rate?: number;
  readonly paused: boolean;
  readonly rolledBack: boolean;
  /** Since when figures have been bad, or good; milliseconds since 1970. */
  readonly badSince: number | null;
  readonly goodSince: number | null;
}

export const untouched: GuardState = {
  ...{ paused: false, rolledBack: false, badSince: null, goodSince: null },
};

export interface GuardInput {
  readonly state: GuardState;
  readonly now: number;
  readonly bad: boolean;
  /** The operation's own rate now, and the one measured where it has none. */
  readonly rate: number | null;
  readonly measuredRate: number;
  /** An operator paused it: the guard neither pauses nor resumes it. */
  readonly pausedByOther: boolean;
  readonly farthest: 'throttle' | 'pause' | 'rollback';
  readonly breachMs: number;
  readonly recoverMs: number;
}

export interface GuardDecision {
  readonly state: GuardState;
  readonly step: GuardStep | null;
  /** For `halve` and `restore`. */
  readonly documentsPerSecond?: number | null;
}

/** Slower than this a copy does not go on at all; the next step is the pause. */
const rateMin = 50;

/**
 * One look at one operation. While users suffer for `breachMs` at a time: the rate is halved until it is
 * too low to be of use, then the operation is paused, then rolled back where that is allowed. When all
 * has been well for `recoverMs` the steps are taken back, the last one first.
 */
export function guard(input: GuardInput): GuardDecision {
  const { state, now, bad } = input;
  if (state.rolledBack) return { state, step: null };
  if (!bad) return recover(input);
  const since = state.badSince ?? now;
  const waiting: GuardState = { ...state, badSince: since, goodSince: null };
  if (now - since < input.breachMs) return { state: waiting, step: null };
  return escalate(input, { ...waiting, badSince: now });
}

function escalate(input: GuardInput, state: GuardState): GuardDecision {
  const { farthest, rate, measuredRate, pausedByOther } = input;
  const present = rate ?? measuredRate;
  const half = Math.floor(present / 2);
  if (!state.paused && !pausedByOther && half >= rateMin) {
    const rateBefore = state.rateBefore === undefined ? rate : state.rateBefore;
    return { state: { ...state, rateBefore, rate: half }, step: 'halve', documentsPerSecond: half };
  }
  if (!state.paused && !pausedByOther) {
    if (farthest === 'throttle') return { state, step: null };
    return { state: { ...state, paused: true }, step: 'pause' };
  }
  if (farthest !== 'rollback' || !state.paused) return { state, step: null };
  return { state: { ...state, rolledBack: true }, step: 'rollback' };
}

function recover({ state, now, recoverMs }: GuardInput): GuardDecision {
  const since = state.goodSince ?? now;
  const well: GuardState = { ...state, badSince: null, goodSince: since };
  const touched = state.paused || state.rateBefore !== undefined;
  if (!touched || now - since < recoverMs) return { state: well, step: null };
  if (state.paused) return { state: { ...well, paused: false, goodSince: now }, step: 'resume' };
  const { rateBefore = null, rate: _, ...rest } = well;
  return { state: { ...rest, goodSince: now }, step: 'restore', documentsPerSecond: rateBefore };
}
