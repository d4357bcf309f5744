/** What the shell learns from `miroir`; documented in docs/reference/cli.md. */
export const exitCodes = {
  ok: 0,
  /** The command was understood and failed. */
  failed: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
  /** A part that is needed is missing (`miroir doctor` says which). */
  missing: 3,
  /** 128 + the signal's number: ended by Ctrl-C. */
  interrupted: 130,
} as const;

/** Told apart by `exitCode`; `cli/main.ts` prints the message and ends with the code. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}
