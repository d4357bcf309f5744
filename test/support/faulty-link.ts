import { createServer, connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** What the network between two parts does with the bytes of both directions. */
export type LinkState =
  /** Hands bytes on, each chunk this late. */
  | { readonly kind: 'open'; readonly delayMs: number }
  /** Refuses connections and resets those there are: the other side is known to be away. */
  | { readonly kind: 'cut' }
  /** Takes everything and hands nothing on: the other side only seems to be there. */
  | { readonly kind: 'frozen' }
  /** Requests arrive, answers are lost: the effect happens and nobody hears of it. */
  | { readonly kind: 'deaf' };

const searchStart = /^POST \/indexes\/[^ ]+\/search /;

/** A small TCP proxy on loopback that a test makes slow, deaf, frozen or cut, and heals again. */
export class FaultyLink {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #state: LinkState = { kind: 'open', delayMs: 0 };
  #searches = 0;
  /** Settled when all that is under way to a socket has been handed on. */
  readonly #sent = new Map<Socket, Promise<void>>();

  private constructor(private readonly target: { readonly host: string; readonly port: number }) {
    this.#server = createServer((client) => this.#join(client));
  }

  /** Listens on a free port. `target` is `host:port`. */
  static async open(target: string): Promise<FaultyLink> {
    const [host = '127.0.0.1', port = '0'] = target.split(':');
    const link = new FaultyLink({ host, port: Number(port) });
    await new Promise<void>((resolve) => link.#server.listen(0, '127.0.0.1', resolve));
    return link;
  }

  /** `127.0.0.1:port`. */
  get address(): string {
    return `127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** Searches that went through; one request is one chunk, because nothing is sent ahead of an answer. */
  get searches(): number {
    return this.#searches;
  }

  set(state: LinkState): void {
    this.#state = state;
    if (state.kind === 'cut') this.#reset();
  }

  heal(): void {
    const lossy = this.#state.kind !== 'open';
    this.#state = { kind: 'open', delayMs: 0 };
    // What was swallowed is gone: a connection cannot go on behind a gap.
    if (lossy) this.#reset();
  }

  async close(): Promise<void> {
    this.#reset();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #reset(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    this.#pairs.clear();
  }

  #join(client: Socket): void {
    if (this.#state.kind === 'cut') {
      client.destroy();
      return;
    }
    const upstream = connect(this.target.port, this.target.host);
    const pair = [client, upstream] as const;
    this.#pairs.add(pair);
    const end = (): void => {
      client.destroy();
      upstream.destroy();
      this.#pairs.delete(pair);
    };
    for (const socket of pair) socket.setNoDelay(true).on('error', end).on('close', end);
    client.on('data', (bytes) => this.#pass(bytes, upstream, 'there'));
    upstream.on('data', (bytes) => this.#pass(bytes, client, 'back'));
  }

  #pass(bytes: Buffer, to: Socket, way: 'there' | 'back'): void {
    const state = this.#state;
    if (way === 'there' && searchStart.test(bytes.toString('latin1', 0, 200))) this.#searches += 1;
    if (state.kind === 'frozen' || (state.kind === 'deaf' && way === 'back')) return;
    // One after another: a network that grows faster does not reorder a stream.
    const due = performance.now() + (state.kind === 'open' ? state.delayMs : 0);
    const sent = this.#sent.get(to);
    if (sent === undefined && due <= performance.now()) {
      to.write(bytes);
      return;
    }
    const sending = (sent ?? Promise.resolve())
      .then(() => lasts(due - performance.now()))
      .then(() => void (to.destroyed || to.write(bytes)))
      .finally(() => {
        if (this.#sent.get(to) === sending) this.#sent.delete(to);
      });
    this.#sent.set(to, sending);
  }
}

/** A network of faulty links for one fleet: ask for the link between two parts by name. */
export class FaultyNetwork {
  readonly #links = new Map<string, FaultyLink>();

  /** For `FleetOptions.link`. */
  readonly link = async (user: string, part: string, address: string): Promise<string> => {
    const name = `${user}/${part}`;
    const { scheme, hostPort } = split(address);
    const present = this.#links.get(name);
    const link = present ?? (await FaultyLink.open(hostPort));
    this.#links.set(name, link);
    return `${scheme}${link.address}`;
  };

  /** All links to a part, of one user or of everybody. */
  to(part: string, user?: string): FaultyLink[] {
    const found = [...this.#links].filter(([name]) =>
      user === undefined ? name.endsWith(`/${part}`) : name === `${user}/${part}`,
    );
    if (found.length === 0) throw new Error(`Nobody has a link to ${part}.`);
    return found.map(([, link]) => link);
  }

  /** Makes the links to a part bad for as long as `during` runs. */
  async while<T>(
    bad: { readonly part: string; readonly user?: string; readonly state: LinkState },
    during: () => Promise<T>,
  ): Promise<T> {
    const links = this.to(bad.part, bad.user);
    for (const link of links) link.set(bad.state);
    try {
      return await during();
    } finally {
      for (const link of links) link.heal();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.close()));
    this.#links.clear();
  }
}

const lasts = (ms: number): Promise<void> =>
  ms <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));

function split(address: string): { scheme: string; hostPort: string } {
  const at = address.indexOf('://');
  if (at === -1) return { scheme: '', hostPort: address };
  return { scheme: address.slice(0, at + 3), hostPort: new URL(address).host };
}
