const encoder = new TextEncoder();

/** Bytes that grow at their end. */
export class ByteWriter {
  private bytes: Uint8Array;
  private used = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(Math.max(capacity, 64));
  }

  get length(): number {
    return this.used;
  }

  writeText(text: string): void {
    // A UTF-16 unit takes three bytes at most in UTF-8.
    this.reserve(text.length * 3);
    this.used += encoder.encodeInto(text, this.bytes.subarray(this.used)).written;
  }

  writeBytes(source: Uint8Array, start: number, end: number): void {
    this.reserve(end - start);
    this.bytes.set(source.subarray(start, end), this.used);
    this.used += end - start;
  }

  /** What was written; the writer must not be used after. */
  finish(): Uint8Array {
    return this.bytes.subarray(0, this.used);
  }

  private reserve(more: number): void {
    if (this.used + more <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.used + more));
    larger.set(this.bytes.subarray(0, this.used));
    this.bytes = larger;
  }
}
