/** What a child of the api bench is: told in its first message. */
export type Role =
  | { readonly kind: 'nodes'; readonly answers: readonly string[] }
  | { readonly kind: 'relay'; readonly nodes: readonly string[]; readonly merge: boolean }
  /** Miroir's api; its configuration comes in the environment. */
  | { readonly kind: 'api' };

/** Sent by a child once it takes requests. */
export interface Ready {
  readonly event: 'ready';
  readonly urls: readonly string[];
}

/** The answer to `cpu`: milliseconds of processor time that the child has used so far. */
export interface Cpu {
  readonly event: 'cpu';
  readonly cpuMs: number;
}

export type FromChild = Ready | Cpu;
export type ToChild = { readonly ask: 'role'; readonly role: Role } | { readonly ask: 'cpu' };
