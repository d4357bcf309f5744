/** What the parent and its guard say to each other, one JSON object a line. */

export interface StartRequest {
  readonly op: 'start';
  /** Chosen by the parent, never used twice. */
  readonly id: number;
  readonly command: string;
  readonly args: string[];
  readonly env: { [name: string]: string };
  readonly cwd: string;
  /** Standard error, and standard output unless `lines`, are appended here. */
  readonly logFile: string;
  /** Send standard output back as `line` events. */
  readonly lines: boolean;
}

export type GuardRequest =
  | StartRequest
  | { readonly op: 'signal'; readonly id: number; readonly signal: NodeJS.Signals }
  /** Remove this directory when everything has ended. */
  | { readonly op: 'temporary'; readonly directory: string };

export type GuardEvent =
  | { readonly event: 'started'; readonly id: number; readonly pid: number }
  | { readonly event: 'failed'; readonly id: number; readonly message: string }
  | { readonly event: 'line'; readonly id: number; readonly line: string }
  | {
      readonly event: 'exited';
      readonly id: number;
      readonly code: number | null;
      readonly signal: NodeJS.Signals | null;
    };
