/** Internal document ids: the lowest free one first, and kept when a document is replaced. */
export class Docids {
  private readonly byId = new Map<string, number>();
  /** Freed docids, highest first, so that the lowest is popped. */
  private freed: number[] = [];
  private next = 0;

  get size(): number {
    return this.byId.size;
  }

  get(id: string): number | undefined {
    return this.byId.get(id);
  }

  /** The docid of a new document. */
  allocate(id: string): number {
    const docid = this.freed.pop() ?? this.next++;
    this.byId.set(id, docid);
    return docid;
  }

  /** Frees the docid of a document; undefined if there is none of this id. */
  release(id: string): number | undefined {
    const docid = this.byId.get(id);
    if (docid === undefined) return undefined;
    this.byId.delete(id);
    let at = this.freed.length;
    while (at > 0 && (this.freed[at - 1] ?? 0) < docid) at -= 1;
    this.freed.splice(at, 0, docid);
    return docid;
  }

  clear(): void {
    this.byId.clear();
    this.freed = [];
    this.next = 0;
  }
}
