/**
 * The cheapest way to send as much as possible from a source to a sink, by successive shortest
 * paths. Placement is such a problem: shards send their copies to nodes, and a move costs.
 */
export class FlowNetwork {
  private readonly heads: number[][] = [];
  private readonly to: number[] = [];
  private readonly capacity: number[] = [];
  private readonly cost: number[] = [];

  addVertex(): number {
    this.heads.push([]);
    return this.heads.length - 1;
  }

  /** Returns the edge's number, by which `flowOn` asks. Capacity and cost are whole numbers. */
  addEdge(from: number, to: number, capacity: number, cost: number): number {
    const edge = this.to.length;
    // The reverse edge has the next number, so `edge ^ 1` is always the other direction.
    this.to.push(to, from);
    this.capacity.push(capacity, 0);
    this.cost.push(cost, -cost);
    this.heads[from]?.push(edge);
    this.heads[to]?.push(edge + 1);
    return edge;
  }

  flowOn(edge: number): number {
    return this.capacity[edge + 1] ?? 0;
  }

  /** Sends all that fits and returns how much that was. Ties go to edges that were added first. */
  run(source: number, sink: number): number {
    let sent = 0;
    for (;;) {
      const arrivedBy = this.shortestPaths(source);
      if (arrivedBy[sink] === undefined || arrivedBy[sink] < 0) return sent;
      let amount = Infinity;
      for (let at = sink; at !== source; at = this.startOf(arrivedBy[at] as number)) {
        amount = Math.min(amount, this.capacity[arrivedBy[at] as number] as number);
      }
      for (let at = sink; at !== source; at = this.startOf(arrivedBy[at] as number)) {
        const edge = arrivedBy[at] as number;
        this.capacity[edge] = (this.capacity[edge] as number) - amount;
        this.capacity[edge ^ 1] = (this.capacity[edge ^ 1] as number) + amount;
      }
      sent += amount;
    }
  }

  private startOf(edge: number): number {
    return this.to[edge ^ 1] as number;
  }

  /** The last edge of the cheapest path to each vertex, -1 where there is none (Bellman–Ford). */
  private shortestPaths(source: number): Int32Array {
    const size = this.heads.length;
    const distance = new Float64Array(size).fill(Infinity);
    const arrivedBy = new Int32Array(size).fill(-1);
    const queued = new Uint8Array(size);
    let queue = [source];
    distance[source] = 0;
    while (queue.length > 0) {
      const next: number[] = [];
      for (const vertex of queue) {
        queued[vertex] = 0;
        for (const edge of this.heads[vertex] as number[]) {
          if ((this.capacity[edge] as number) <= 0) continue;
          const other = this.to[edge] as number;
          const reached = (distance[vertex] as number) + (this.cost[edge] as number);
          if (reached >= (distance[other] as number)) continue;
          distance[other] = reached;
          arrivedBy[other] = edge;
          if (queued[other] === 0) {
            queued[other] = 1;
            next.push(other);
          }
        }
      }
      queue = next;
    }
    return arrivedBy;
  }
}
