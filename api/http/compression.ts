import { promisify } from 'node:util';
import { brotliCompress, constants, deflate, gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply } from 'fastify';

type Coding = 'br' | 'gzip' | 'deflate';
const supported: readonly Coding[] = ['br', 'gzip', 'deflate'];

const compressors: Record<Coding, (bytes: Buffer) => Promise<Buffer>> = {
  br: (bytes) =>
    promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } }),
  gzip: (bytes) => promisify(gzip)(bytes, { level: 1 }),
  deflate: (bytes) => promisify(deflate)(bytes, { level: 1 }),
};

/** Answers in the coding that the client likes best; 406 where nothing it accepts can be made. */
export function registerCompression(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const accepted = request.headers['accept-encoding'];
    if (typeof accepted !== 'string' || accepted === '') return payload;
    const bytes = asBytes(payload);
    if (reply.hasHeader('content-encoding')) return payload;
    if (bytes === null) {
      // Nothing can be sent to who accepts nothing, not even that there is nothing.
      const isRefused = payload === undefined || payload === null || payload === '';
      return isRefused && chooseCoding(accepted) === null ? notAcceptable(reply) : payload;
    }
    const chosen = chooseCoding(accepted);
    if (chosen === 'identity') return payload;
    const vary = reply.getHeader('vary');
    reply.header(
      'vary',
      vary === undefined ? 'accept-encoding' : `accept-encoding, ${String(vary)}`,
    );
    if (chosen === null) return notAcceptable(reply);
    reply.header('content-encoding', chosen).removeHeader('content-length');
    return await compressors[chosen](bytes);
  });
}

function asBytes(payload: unknown): Buffer | null {
  const bytes =
    typeof payload === 'string' ? Buffer.from(payload) : Buffer.isBuffer(payload) ? payload : null;
  return bytes === null || bytes.length === 0 ? null : bytes;
}

function notAcceptable(reply: FastifyReply): string {
  const list = supported.join(', ');
  reply.code(406).header('vary', 'accept-encoding');
  reply.removeHeader('content-length').removeHeader('content-type');
  return list;
}

/**
 * By RFC 9110: the highest weight wins, ours first among equals; `identity` unless refused. `*` alone asks for
 * no coding by name and gets none, as from the engine, unless `identity` is refused beside it.
 */
export function chooseCoding(header: string): Coding | 'identity' | null {
  const weights = new Map<string, number>();
  for (const part of header.split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    if (name !== '') weights.set(name, weight === undefined ? 1 : Number(weight.slice(2)) || 0);
  }
  const any = weights.get('identity') === 0 ? (weights.get('*') ?? 0) : 0;
  const weightOf = (name: string): number => weights.get(name) ?? any;
  let best: Coding | null = null;
  for (const coding of supported) {
    if (weightOf(coding) > (best === null ? 0 : weightOf(best))) best = coding;
  }
  // Not naming identity does not refuse it; only a weight of 0 does.
  const identity = weights.get('identity') ?? (weights.get('*') === 0 ? 0 : null);
  if (best !== null && (identity ?? 0) <= weightOf(best)) return best;
  return identity === 0 ? null : 'identity';
}
