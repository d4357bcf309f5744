import { unwrapEditError, wrapEditFunction } from '../../core/edit-function';
import { MeiliError } from '../../core/errors';
import type { ApiContext } from '../context';
import { faultOf } from '../writes/node-fault';

/**
 * Throws the engine's `bad_request` for a function that does not compile. A node is asked with a
 * context that it must refuse, and it compiles before it looks at that: no task is made.
 *
 * A function that compiles alone and not between the statements that keep the hidden fields is refused
 * with `miroir_not_supported`: it defines functions of its own.
 */
export async function demandCompiles(ctx: ApiContext, text: string): Promise<void> {
  const alone = await compile(ctx, text);
  if (alone !== null) throw alone;
  const wrapped = await compile(ctx, wrapEditFunction(text));
  if (wrapped === null) return;
  throw new MeiliError(
    'miroir_not_supported',
    `The function is run within a block, where it must not define functions: ${unwrapEditError(wrapped.message)}`,
  );
}

/** Null when it compiles. */
async function compile(ctx: ApiContext, text: string): Promise<MeiliError | null> {
  for (const node of ctx.fleet.current().nodes) {
    if (!ctx.health.usable(node.id)) continue;
    try {
      const client = ctx.nodes.client(node);
      await ctx.features.tell(node, client);
      const { bytes } = await client.request({
        method: 'POST',
        path: '/indexes/compile/documents/edit',
        body: { function: text, context: 0 },
      });
      const { code, message } = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
      if (code === 'invalid_document_edition_context') return null;
      if (code === 'bad_request') return new MeiliError('bad_request', String(message));
      if (code === 'feature_not_enabled') {
        return new MeiliError('feature_not_enabled', String(message));
      }
      ctx.log.warn({ node: node.id, code }, 'node did not say whether a function compiles');
    } catch (error) {
      if (faultOf(error) === null) throw error;
    }
  }
  throw new MeiliError(
    'miroir_not_ready',
    'No node can be asked whether the function compiles. Nothing was written; retry.',
  );
}
