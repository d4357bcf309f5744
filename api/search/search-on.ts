import type { NodeId } from '../../core/ids';
import { refusedAttribute, withoutAttribute } from '../../core/search/local-fields';
import type { JsonObject } from '../../core/search/types';
import type { JsonValue } from '../../core/fleet';
import type { RawAnswer } from '../../meili/types';

/**
 * Names of `attributesToSearchOn` that a node does not know, as none of its documents has the field. The
 * node is asked again without them. Only what every node refuses is refused to the client.
 */
export class UnknownAttributes {
  readonly #refused = new Map<string, Set<NodeId>>();
  readonly #refusals = new Map<NodeId, RawAnswer>();

  async ask(
    node: NodeId,
    body: JsonObject,
    send: (body: JsonObject) => Promise<RawAnswer>,
  ): Promise<RawAnswer> {
    const answer = await send(body);
    if (answer.status !== 400) return answer;
    const name = refusedAttribute(answer.status, parse(answer));
    const rest = name === null ? null : withoutAttribute(body, name);
    if (name === null || rest === null) return answer;
    const nodes = this.#refused.get(name) ?? new Set();
    this.#refused.set(name, nodes.add(node));
    if (!this.#refusals.has(node)) this.#refusals.set(node, answer);
    return await this.ask(node, rest, send);
  }

  /** The answer of a node that refused what all of these did, or null. */
  refusal(nodes: readonly NodeId[]): { node: NodeId; answer: RawAnswer } | null {
    const [first] = nodes;
    const answer = first === undefined ? undefined : this.#refusals.get(first);
    if (first === undefined || answer === undefined) return null;
    const byAll = [...this.#refused.values()].some((by) => nodes.every((node) => by.has(node)));
    return byAll ? { node: first, answer } : null;
  }
}

function parse(answer: RawAnswer): JsonValue {
  try {
    return JSON.parse(answer.bytes.toString('utf8')) as JsonValue;
  } catch {
    return null;
  }
}
