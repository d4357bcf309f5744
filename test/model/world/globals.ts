import type * as crypto from 'node:crypto';
import { Sealer } from '../../../api/meta/seal';
import type { World } from './world';
import { startMs } from './world';

/**
 * Puts the model's time and chance in the place of the machine's while `work` runs: timers, dates, the
 * monotonic clock and random ids. The product reads them as globals, so it is the same code.
 */
export async function inWorld<T>(world: World, work: () => Promise<T>): Promise<T> {
  const undo = [
    ...replaceTimers(world),
    replaceDate(world),
    replacePerformance(world),
    ...replaceChance(world),
    ...replaceSealing(),
  ];
  const failed = (error: unknown): void => world.fail(error);
  process.on('unhandledRejection', failed);
  try {
    return await work();
  } finally {
    process.off('unhandledRejection', failed);
    for (const one of undo.reverse()) one();
  }
}

/**
 * States of the fleet are compressed and sealed in threads, whose time is not the model's. Here a state is
 * readable, and bound to its label all the same.
 */
function replaceSealing(): Undo[] {
  const seal = (text: string, label: string): Promise<string> =>
    Promise.resolve(Buffer.from(JSON.stringify([label, text])).toString('base64'));
  const open = (sealed: string, label: string): Promise<string | null> => {
    const [sealedAs, text] = JSON.parse(Buffer.from(sealed, 'base64').toString()) as string[];
    return Promise.resolve(sealedAs === label ? (text ?? null) : null);
  };
  return [replace(Sealer.prototype, 'seal', seal), replace(Sealer.prototype, 'open', open)];
}

type Undo = () => void;

function replace<T extends object, K extends keyof T>(on: T, name: K, value: unknown): Undo {
  const own = Object.getOwnPropertyDescriptor(on, name);
  Object.defineProperty(on, name, { value, configurable: true, writable: true });
  return () => {
    if (own === undefined) Reflect.deleteProperty(on, name);
    else Object.defineProperty(on, name, own);
  };
}

interface Timer {
  cancel: () => void;
  ref(): Timer;
  unref(): Timer;
  hasRef(): boolean;
}

function timerOf(cancel: () => void): Timer {
  const timer: Timer = { cancel, ref: () => timer, unref: () => timer, hasRef: () => true };
  return timer;
}

function replaceTimers(world: World): Undo[] {
  const after = (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]): Timer =>
    timerOf(world.after(Math.max(1, ms), world.owner, () => run(...args)));
  const every = (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]): Timer => {
    const { owner } = world;
    const next = (): (() => void) =>
      world.after(Math.max(1, ms), owner, () => {
        timer.cancel = next();
        run(...args);
      });
    const timer = timerOf(() => undefined);
    timer.cancel = next();
    return timer;
  };
  const clear = (timer?: Timer | null): void => timer?.cancel();
  // The embedded node gives the loop a turn between two pieces of its work; that is its speed here.
  const soon = (run: (...args: unknown[]) => void, ...args: unknown[]): Timer => {
    const { owner } = world;
    const delay = owner.startsWith('node-') ? world.random.between(1, 12) : 0;
    return timerOf(world.after(delay, owner, () => run(...args)));
  };
  return [
    replace(globalThis, 'setTimeout', after),
    replace(globalThis, 'setInterval', every),
    replace(globalThis, 'setImmediate', soon),
    replace(globalThis, 'clearTimeout', clear),
    replace(globalThis, 'clearInterval', clear),
    replace(globalThis, 'clearImmediate', clear),
  ];
}

function replaceDate(world: World): Undo {
  const RealDate = globalThis.Date;
  const now = (): number => startMs + Math.floor(world.now);
  class ModelDate extends RealDate {
    constructor(...args: ConstructorParameters<typeof RealDate> | []) {
      if (args.length === 0) super(now());
      else super(...args);
    }
    static override now = now;
  }
  return replace(globalThis, 'Date', ModelDate);
}

function replacePerformance(world: World): Undo {
  const { performance } = globalThis;
  const undo = [
    replace(performance, 'now', () => world.now),
    replace(performance, 'timeOrigin', startMs),
  ];
  return () => undo.forEach((one) => one());
}

/** Ids are made by `node:crypto`, whose module object all modules share. */
function replaceChance(world: World): Undo[] {
  const random = world.random.fork('ids');
  // The object that `require` gives, which compiled imports read at each call.
  const shared = require('node:crypto') as typeof crypto;
  const bytes = (size: number): Buffer =>
    Buffer.from(Array.from({ length: size }, () => random.between(0, 255)));
  const uuid = (): string => {
    const hex = bytes(16).toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
  };
  return [
    replace(shared, 'randomBytes', bytes),
    replace(shared, 'randomUUID', uuid),
    replace(Math, 'random', () => random.next()),
  ];
}
