import type { RunningProgram } from './supervisor';

/** The place of one part in a fleet: at most one process at a time, which may be ended and replaced. */
export class Slot {
  readonly name: string;
  readonly #start: () => Promise<RunningProgram>;
  readonly #onUnexpectedEnd: (program: RunningProgram) => void;
  #program: RunningProgram | null = null;
  #ending = false;

  constructor(
    name: string,
    start: () => Promise<RunningProgram>,
    onUnexpectedEnd: (program: RunningProgram) => void,
  ) {
    this.name = name;
    this.#start = start;
    this.#onUnexpectedEnd = onUnexpectedEnd;
  }

  /** `null` while it does not run. */
  get pid(): number | null {
    return this.#program?.running() === true ? this.#program.pid : null;
  }

  async start(): Promise<void> {
    if (this.pid !== null) throw new Error(`${this.name} runs already.`);
    this.adopt(await this.#start());
  }

  /** Takes over a process that was started elsewhere. */
  adopt(program: RunningProgram): void {
    this.#program = program;
    this.#ending = false;
    void program.exited.then(() => {
      if (!this.#ending && this.#program === program) this.#onUnexpectedEnd(program);
    });
  }

  async kill(): Promise<void> {
    this.#ending = true;
    await this.#program?.kill();
  }

  async stop(): Promise<void> {
    this.#ending = true;
    if (this.pid !== null) await this.#program?.stop();
  }

  signal(signal: NodeJS.Signals): void {
    if (this.pid === null) throw new Error(`${this.name} does not run.`);
    this.#program?.signal(signal);
  }
}
