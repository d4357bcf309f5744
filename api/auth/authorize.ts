import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import { MeiliError } from '../../core/errors';
import type { ApiKey } from '../../store/record-types';
import type { ApiContext } from '../context';
import type { KeyAction } from './actions';
import { allowsAction } from './actions';
import { Caller, masterCaller, openCaller } from './caller';
import { sameSecret } from './secrets';
import { claimedKeyUid, readToken, verifyToken } from './tenant-token';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks. Set by `authorize` before anything of the body is read. */
    caller: Caller;
  }
}

/**
 * The hook that lets a request in: before path parameters, query or body are looked at, as
 * Meilisearch does. One place for each kind of bearer: the master key, an API key, and for searches
 * a tenant token. Operators' routes have their own hook.
 */
export function authorize(ctx: ApiContext, action: KeyAction): onRequestAsyncHookHandler {
  return async (request: FastifyRequest): Promise<void> => {
    request.caller = identify(ctx, request.headers.authorization, action);
    const uid = (request.params as { indexUid?: string }).indexUid;
    if (uid !== undefined) request.caller.demandIndex(uid);
  };
}

/** Operators: `X-Admin-Key`, or the admin key as a bearer. */
export function authorizeAdmin(ctx: ApiContext): onRequestAsyncHookHandler {
  return async (request: FastifyRequest): Promise<void> => {
    const header = request.headers['x-admin-key'];
    const given = typeof header === 'string' ? header : bearerOf(request.headers.authorization);
    if (given === null || !sameSecret(given, ctx.config.api.adminKey)) {
      throw new MeiliError(
        'miroir_invalid_auth',
        'This route needs the admin key, in the X-Admin-Key header or as a bearer.',
      );
    }
  };
}

/** Throws Meilisearch's 401 or 403; the texts never tell whether a key exists. */
export function identify(
  ctx: ApiContext,
  authorization: string | undefined,
  action: KeyAction,
): Caller {
  const { masterKey } = ctx.config.api;
  if (masterKey === null) {
    if (!action.startsWith('keys.')) return openCaller;
    throw new MeiliError(
      'missing_master_key',
      'Meilisearch is running without a master key. To access this API endpoint, you must have set a master key at launch.',
    );
  }
  const bearer = bearerOf(authorization);
  if (bearer === null) {
    throw new MeiliError(
      'missing_authorization_header',
      'The Authorization header is missing. It must use the bearer authorization method.',
    );
  }
  if (sameSecret(bearer, masterKey)) return masterCaller;
  const key = ctx.keys.byText(bearer);
  if (key !== null) {
    demandKey(key, action);
    return new Caller('key', key.uid, patternsOf(key), null);
  }
  if (action === 'search') return tenantCaller(ctx, bearer);
  throw invalidKey();
}

/** The text after `Bearer`; null for a missing header or another scheme. The scheme is case-sensitive. */
function bearerOf(authorization: string | undefined): string | null {
  if (authorization === undefined) return null;
  const blank = authorization.indexOf(' ');
  const scheme = blank === -1 ? authorization : authorization.slice(0, blank);
  if (scheme !== 'Bearer') return null;
  return blank === -1 ? '' : authorization.slice(blank + 1);
}

function tenantCaller(ctx: ApiContext, bearer: string): Caller {
  const token = readToken(bearer);
  const uid = token === null ? null : claimedKeyUid(token);
  const key = uid === null ? null : ctx.keys.byUid(uid);
  if (token === null || key === null) throw invalidKey();
  demandKey(key, 'search');
  const check = verifyToken(token, ctx.keys.textOf(key.uid), Math.floor(Date.now() / 1000));
  if (!check.ok) throw new MeiliError('invalid_api_key', check.message);
  return new Caller('tenant', key.uid, patternsOf(key), check.token.rules);
}

function demandKey(key: ApiKey, action: KeyAction): void {
  const expired = key.expiresAt !== null && Date.parse(key.expiresAt) <= Date.now();
  if (expired || !allowsAction(key.actions, action)) throw invalidKey();
}

function patternsOf(key: ApiKey): readonly string[] | null {
  return key.indexes.length === 0 || key.indexes.includes('*') ? null : key.indexes;
}

function invalidKey(): MeiliError {
  return new MeiliError('invalid_api_key', 'The provided API key is invalid.');
}
