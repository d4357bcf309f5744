import { PayloadCutter } from '../../core/documents/cutter';
import { parseDocuments } from '../../core/documents/parse';
import { buildPayload } from '../../core/documents/prepare';
import type { OrderedDocument } from '../../core/documents/prepare';
import type { DocSpan, DocumentFormat, ParsedDocuments } from '../../core/documents/types';
import type { BodyStream } from '../../meili/types';
import type { Spool } from '../http/spool';

/** Some documents of a payload in a row; spans are within `bytes`, which stand at `base` of the whole. */
export interface SourcePiece extends ParsedDocuments {
  readonly base: number;
}

/** The documents of one payload, whose syntax is known to be right. */
export interface DocumentSource {
  readonly count: number;
  /** The documents in order, some at a time. */
  pieces(): AsyncIterable<SourcePiece>;
  /** A JSON array of documents in the order of the payload, whose offsets are of the whole. */
  payload(documents: Iterable<OrderedDocument>): Uint8Array | BodyStream;
}

export interface SourceOptions {
  readonly format: DocumentFormat;
  readonly csvDelimiter: string | null;
}

/** Throws PayloadError, as all that makes a source does. */
export function sourceInMemory(
  bytes: Uint8Array,
  { format, csvDelimiter }: SourceOptions,
): DocumentSource {
  const parsed = parseDocuments(bytes, format, csvDelimiter === null ? {} : { csvDelimiter });
  return {
    count: parsed.documents.length,
    async *pieces() {
      yield { ...parsed, base: 0 };
    },
    payload: (documents) => buildPayload([...documents], parsed.bytes),
  };
}

/** So much of a spool is in memory at a time, or one document that is longer. */
const pieceBytes = 1_000_000;

/**
 * Reads the spool once, checks it and notes where its documents are. Of CSV the JSON that is made of it
 * goes into a spool of its own, which `onSpool` is told of, to close it.
 */
export async function sourceInSpool(
  spool: Spool,
  { format, csvDelimiter }: SourceOptions,
  onSpool: (made: Spool) => void,
): Promise<DocumentSource> {
  const cutter = new PayloadCutter(format, csvDelimiter ?? ',');
  const made = format === 'csv' ? await spool.sibling() : null;
  if (made !== null) onSpool(made);
  const spans = new SpanList();
  for (let at = 0; at < spool.size; at += pieceBytes) {
    const end = Math.min(spool.size, at + pieceBytes);
    const piece = cutter.push(await spool.read(at, end), end === spool.size);
    if (piece === null) continue;
    await made?.append(piece.bytes);
    for (const { start, end: stop } of piece.documents) {
      spans.add(piece.base + start, piece.base + stop);
    }
  }
  return new SpooledDocuments(made ?? spool, spans, format);
}

/** Offsets in a fifth of the memory that objects would take. */
class SpanList {
  #starts = new Float64Array(1_024);
  #ends = new Float64Array(1_024);
  count = 0;

  add(start: number, end: number): void {
    if (this.count === this.#starts.length) {
      this.#starts = grown(this.#starts);
      this.#ends = grown(this.#ends);
    }
    this.#starts[this.count] = start;
    this.#ends[this.count] = end;
    this.count += 1;
  }

  at(place: number): DocSpan {
    return { start: this.#starts[place] ?? 0, end: this.#ends[place] ?? 0 };
  }
}

function grown(array: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(array.length * 2);
  larger.set(array);
  return larger;
}

class SpooledDocuments implements DocumentSource {
  constructor(
    private readonly spool: Spool,
    private readonly spans: SpanList,
    private readonly format: DocumentFormat,
  ) {}

  get count(): number {
    return this.spans.count;
  }

  async *pieces(): AsyncGenerator<SourcePiece> {
    for (let from = 0; from < this.count;) {
      const base = this.spans.at(from).start;
      let to = from + 1;
      while (to < this.count && this.spans.at(to).end - base <= pieceBytes) to += 1;
      const bytes = await this.spool.read(base, this.spans.at(to - 1).end);
      const documents = Array.from({ length: to - from }, (_, i) => {
        const { start, end } = this.spans.at(from + i);
        return { start: start - base, end: end - base };
      });
      yield { documents, bytes, format: this.format, base };
      from = to;
    }
  }

  payload(documents: Iterable<OrderedDocument>): BodyStream {
    const { spool } = this;
    return async function* () {
      let batch: OrderedDocument[] = [];
      let isFirst = true;
      const flush = async (): Promise<Uint8Array> => {
        const text = await batchPayload(spool, batch);
        // Arrays are joined: their own brackets go, commas come between.
        const inner = text.subarray(1, text.length - 1);
        const joined = Buffer.concat([Buffer.from(isFirst ? '[' : ','), inner]);
        batch = [];
        isFirst = false;
        return joined;
      };
      for (const document of documents) {
        const [first] = batch;
        const base = first?.prepared.bytesStart ?? 0;
        if (first !== undefined && document.prepared.bytesEnd - base > pieceBytes) {
          yield await flush();
        }
        batch.push(document);
      }
      if (batch.length > 0) yield await flush();
      yield Buffer.from(isFirst ? '[]' : ']');
    };
  }
}

async function batchPayload(spool: Spool, batch: readonly OrderedDocument[]): Promise<Uint8Array> {
  const base = batch[0]?.prepared.bytesStart ?? 0;
  const bytes = await spool.read(base, batch[batch.length - 1]?.prepared.bytesEnd ?? base);
  const moved = batch.map(({ prepared, seq }) => ({
    seq,
    prepared: {
      ...prepared,
      bytesStart: prepared.bytesStart - base,
      bytesEnd: prepared.bytesEnd - base,
    },
  }));
  return buildPayload(moved, bytes);
}
