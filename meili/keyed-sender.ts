import type { NodeId } from '../core/ids';
import type { Sender } from './node-client';
import { createKey } from './node-client';
import { NodeError } from './node-error';
import { nodeKeyText } from './node-key';
import type { Transport } from './transport';
import type { NodesOptions, RawAnswer, RawRequest } from './types';

/**
 * Sends with this process's own node key, so that whoever takes over from it can shut it out by
 * deleting that key. The key is made on the node before the first request, and once more after a 403
 * (the node was emptied or replaced), unless this process lost its lease: then the 403 is the fence
 * and stands. A refused request was not admitted, so to send it again is safe.
 */
export function createKeyedSender(
  transport: Transport,
  node: NodeId,
  options: NodesOptions,
): Sender {
  const key = nodeKeyText(options.masterKey, options.nodeKeyUid);
  let made: Promise<void> | null = null;
  const mayCreate = async ({ path }: RawRequest): Promise<boolean> =>
    options.mayRecreateKey === undefined || (await options.mayRecreateKey(node, path));
  const make = (request: RawRequest): Promise<void> => {
    made ??= makeKey(transport, options, mayCreate(request)).catch((error: unknown) => {
      made = null;
      throw error;
    });
    return made;
  };
  return {
    url: transport.url,
    async send(request: RawRequest): Promise<RawAnswer> {
      const until = transport.until(request.deadlineMs);
      // Health needs no key, and asking for it must work on a node that knows none of ours.
      if (request.path === '/health') return transport.send(request, key, until);
      const current = make(request);
      await within(current, request, until);
      const answer = await transport.send(request, key, until);
      if (answer.status !== 403 || !(await mayCreate(request))) return answer;
      // Requests that were refused together make the key together.
      if (made === current) made = null;
      await within(make(request), request, until);
      return transport.send(request, key, until);
    },
    close: () => transport.close(),
  };
}

async function makeKey(
  transport: Transport,
  options: NodesOptions,
  mayCreate: Promise<boolean>,
): Promise<void> {
  if (!(await mayCreate)) {
    throw new NodeError(
      'node_refused',
      'This process may not make a node key: it lost its lease, or the node has not said who it is.',
      {
        status: 403,
        outcomeUnknown: false,
      },
    );
  }
  await createKey((request) => transport.send(request, options.masterKey), options.nodeKeyUid);
}

/** The making of a key is shared, so it has its own deadline; each request keeps to its own, too. */
function within(work: Promise<void>, request: RawRequest, until: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (code: 'node_timeout' | 'node_aborted'): void => {
      finish();
      const message = `${request.method} ${request.path.split('?')[0] ?? ''} was not sent in time.`;
      reject(new NodeError(code, message, { outcomeUnknown: false }));
    };
    const onAbort = (): void => stop('node_aborted');
    const timer = setTimeout(() => stop('node_timeout'), Math.max(0, until - performance.now()));
    const finish = (): void => {
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', onAbort);
    };
    request.signal?.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(finish);
  });
}
