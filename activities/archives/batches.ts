import { isCut } from '../../archives/lines';
import type { Line } from '../../archives/lines';
import type { ImportRef } from '../../core/archives/types';

/** One line of an archive that holds a document. */
export interface SourceLine {
  /** From 0, empty lines counted. */
  readonly line: number;
  readonly bytes: Buffer;
  readonly cut: boolean;
}

/** Consecutive lines of one index, sent as one write. */
export interface LineBatch {
  /** Position of the index in the plan. */
  readonly indexAt: number;
  readonly from: number;
  /** The line after the last one: where the import stands when this batch is done. */
  readonly to: number;
  readonly lines: readonly SourceLine[];
}

const newline = Buffer.from('\n');

export const bodyOf = (lines: readonly SourceLine[]): Buffer =>
  Buffer.concat(lines.flatMap(({ bytes }) => [bytes, newline]));

/**
 * Cuts lines into batches by number and size. The cuts depend on the first line and the two bounds only,
 * so that an attempt that begins where another one's batch ended makes the same batches.
 */
export class Batcher {
  #lines: SourceLine[] = [];
  #bytes = 0;
  #from: number;
  #at: number;

  constructor(
    private readonly indexAt: number,
    first: number,
    private readonly bounds: ImportRef['batch'],
  ) {
    this.#from = first;
    this.#at = first;
  }

  /** The batch that is complete with this line, if one is. */
  add(line: Line): LineBatch | null {
    if (line.length > 0) {
      this.#lines.push({ line: this.#at, bytes: line.bytes, cut: isCut(line) });
      this.#bytes += line.bytes.length + 1;
    }
    this.#at += 1;
    const full = this.#lines.length >= this.bounds.documents || this.#bytes >= this.bounds.bytes;
    return full ? this.#take() : null;
  }

  /** What is left at the end of an index; null: nothing. */
  rest(): LineBatch | null {
    return this.#at === this.#from ? null : this.#take();
  }

  #take(): LineBatch {
    const batch = { indexAt: this.indexAt, from: this.#from, to: this.#at, lines: this.#lines };
    this.#lines = [];
    this.#bytes = 0;
    this.#from = this.#at;
    return batch;
  }
}
