import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddedNode } from '../../../local/embedded-node/node';
import { NodeServer } from '../../../local/embedded-node/server';
import { toJsonText } from '../../../local/embedded-node/http/answer';
import type { FleetNode, JsonValue } from '../../../core/fleet';
import { groupId, nodeId } from '../../../core/ids';
import type { World } from '../world/world';

export interface NodeRequestInput {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly contentType: string | null;
  readonly body: Buffer;
}

export interface NodeReply {
  readonly status: number;
  readonly bytes: Buffer;
}

/** One node: the embedded node without its socket, which may be down and come back with all it had. */
export class ModelNode {
  readonly owner: string;
  readonly url: string;
  up = true;
  #embedded: EmbeddedNode;
  #server: NodeServer;
  #disks = 0;
  readonly #derived = new Map<string, string>();
  #hold: number | null = null;

  constructor(
    private readonly world: World,
    readonly id: string,
    private readonly masterKey: string,
    /** A folder for its disks; null: what it has is nowhere but in memory. */
    private readonly folder: string | null = null,
  ) {
    this.owner = `node-${id}`;
    this.url = `http://${id}:7700`;
    this.#embedded = new EmbeddedNode(masterKey, this.#disk());
    this.#server = new NodeServer(this.#embedded);
  }

  start(): Promise<void> {
    return this.world.as(this.owner, () => this.#embedded.start());
  }

  #disk(): string | null {
    return this.folder === null ? null : join(this.folder, `${this.id}-${String(this.#disks)}`);
  }

  /** Remembers its disk as it is. */
  keepDisk(): void {
    const disk = this.#disk();
    if (disk !== null) cpSync(disk, `${disk}-kept`, { recursive: true });
  }

  /** While it is down: it will come back with an empty disk, or with the one that was kept. */
  async changeDisk(how: 'empty' | 'first'): Promise<void> {
    this.world.note(`${this.id} will have another disk: ${how}`);
    const kept = `${this.#disk() ?? ''}-kept`;
    this.#disks += 1;
    const disk = this.#disk();
    if (how === 'first' && disk !== null) cpSync(kept, disk, { recursive: true });
    this.#embedded = new EmbeddedNode(this.masterKey, disk);
    this.#server = new NodeServer(this.#embedded);
    this.#hold = null;
    this.#derived.clear();
    await this.start();
  }

  record(group = 0): FleetNode {
    return {
      id: nodeId(this.id),
      url: this.url,
      group: groupId(group),
      zone: null,
      weight: 1,
      intent: 'active',
      instanceId: null,
    };
  }

  /** Its queue stands still and nobody is answered; what it has accepted stays. */
  stop(): void {
    if (!this.up) return;
    this.world.note(`${this.id} goes down`);
    this.up = false;
    this.#hold = this.#embedded.faults.add({ action: { kind: 'holdTasks' } });
  }

  restart(): void {
    if (this.up) return;
    this.world.note(`${this.id} is back`);
    this.up = true;
    const hold = this.#hold;
    this.#hold = null;
    this.world.after(0, this.owner, () => {
      if (hold !== null) this.#embedded.faults.clear(hold);
    });
  }

  /** The next task of documents fails here, and only here. */
  failNextTask(): void {
    this.#embedded.faults.add({
      path: '/documents',
      count: 1,
      action: { kind: 'diskFull' },
    });
  }

  /** No fault is left. To be called for the node. */
  heal(): void {
    this.#embedded.faults.clear();
    this.#hold = null;
    this.up = true;
  }

  /** Whether this key may do anything, now. Deriving keys anew each time would be most of the work. */
  admits(key: string): boolean {
    const { keys } = this.#embedded;
    if (keys === null || key === this.masterKey) return true;
    return keys.list().some(({ uid, actions }) => {
      const text = this.#derived.get(uid) ?? keys.derive(uid);
      this.#derived.set(uid, text);
      return actions.includes('*') && text === key;
    });
  }

  /** Does what was admitted. To be called for the node. */
  handle({ method, path, contentType, body }: NodeRequestInput): NodeReply {
    const [route = '', search = ''] = path.split('?');
    const answer = this.#server.answer({
      method,
      url: path,
      segments: route
        .split('/')
        .filter((segment) => segment !== '')
        .map((segment) => decodeURIComponent(segment)),
      query: new Map(new URLSearchParams(search)),
      headers: {
        authorization: `Bearer ${this.masterKey}`,
        ...(contentType === null ? {} : { 'content-type': contentType }),
      },
      body,
    });
    const text = answer.body === undefined ? '' : toJsonText(answer.body);
    return { status: answer.status, bytes: Buffer.from(text) };
  }

  /** For the checker: past every network and fault. */
  ask(method: string, path: string, body?: object): JsonValue {
    const reply = this.handle({
      method,
      path,
      contentType: body === undefined ? null : 'application/json',
      body: Buffer.from(body === undefined ? '' : JSON.stringify(body)),
    });
    return reply.bytes.length === 0 ? null : (JSON.parse(reply.bytes.toString()) as JsonValue);
  }
}
