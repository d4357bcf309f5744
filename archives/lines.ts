/** One line, without its end. Where it was too long only its beginning is kept. */
export interface Line {
  readonly bytes: Buffer;
  /** Of the whole line. */
  readonly length: number;
}

const newline = 0x0a;
/** Of a line that is too long so much is kept, for whoever looks at what was set aside. */
const keptBytes = 4_096;

export const isCut = ({ bytes, length }: Line): boolean => length > bytes.length;

/**
 * The lines of a stream, in lists of those that one chunk completed. Memory is bounded by
 * `lineBytesMax` and one chunk; lines are views of the chunks where they lie in one.
 */
export async function* linesOf(
  stream: AsyncIterable<Buffer>,
  lineBytesMax: number,
): AsyncGenerator<Line[]> {
  let carried: Buffer[] = [];
  let carriedBytes = 0;
  let length = 0;
  const carry = (piece: Buffer): void => {
    length += piece.length;
    if (carriedBytes > lineBytesMax) return;
    carried.push(piece);
    carriedBytes += piece.length;
    if (carriedBytes <= lineBytesMax) return;
    carried = [Buffer.from(Buffer.concat(carried).subarray(0, keptBytes))];
  };
  const take = (): Line => {
    const bytes = carried.length === 1 ? (carried[0] as Buffer) : Buffer.concat(carried);
    const line = { bytes, length };
    carried = [];
    carriedBytes = 0;
    length = 0;
    return line;
  };
  for await (const chunk of stream) {
    const lines: Line[] = [];
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(newline, from);
      carry(chunk.subarray(from, end < 0 ? chunk.length : end));
      if (end < 0) break;
      lines.push(take());
      from = end + 1;
    }
    if (lines.length > 0) yield lines;
  }
  if (length > 0) yield [take()];
}

/** Leaves out the first lines by counting them. */
export async function* skipLines(
  lines: AsyncIterable<readonly Line[]>,
  count: number,
): AsyncGenerator<readonly Line[]> {
  let left = count;
  for await (const some of lines) {
    const skipped = Math.min(left, some.length);
    left -= skipped;
    if (skipped < some.length) yield skipped === 0 ? some : some.slice(skipped);
  }
}
