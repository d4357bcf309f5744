import { createHmac, timingSafeEqual } from 'node:crypto';
import type { JsonValue } from '../../core/fleet';
import { matchesPattern } from './actions';

/** The rules of one tenant token: index pattern → the filter that every search must also satisfy. */
export type SearchRules = ReadonlyMap<string, JsonValue>;

export interface TenantToken {
  readonly apiKeyUid: string;
  readonly rules: SearchRules;
}

export type TokenCheck =
  | { readonly ok: true; readonly token: TenantToken }
  | { readonly ok: false; readonly message: string };

interface Unverified {
  readonly header: { alg?: unknown };
  readonly claims: { [name: string]: JsonValue };
  readonly signed: string;
  readonly signature: Buffer;
}

const digests: ReadonlyMap<unknown, string> = new Map([
  ['HS256', 'sha256'],
  ['HS384', 'sha384'],
  ['HS512', 'sha512'],
]);

/**
 * Reads a token without trusting it. Null when it is no JWT at all: such a bearer is an unknown
 * key, and the answer must not tell the difference.
 */
export function readToken(bearer: string): Unverified | null {
  const [header, claims, signature, more] = bearer.split('.');
  if (!header || !claims || signature === undefined || more !== undefined) return null;
  try {
    const parsedClaims: unknown = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8'));
    if (typeof parsedClaims !== 'object' || parsedClaims === null) return null;
    return {
      header: JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as { alg?: unknown },
      claims: parsedClaims as { [name: string]: JsonValue },
      signed: `${header}.${claims}`,
      signature: Buffer.from(signature, 'base64url'),
    };
  } catch {
    return null;
  }
}

/** The uid of the key that made the token, by the token's own unverified word; null when absent. */
export function claimedKeyUid(token: Unverified): string | null {
  const uid = token.claims['apiKeyUid'];
  return typeof uid === 'string' ? uid.toLowerCase() : null;
}

/**
 * Verifies signature, expiry and shape. `secret` is the API key's own text (64 hex characters).
 * `none` and asymmetric algorithms are refused, and so is a token with an audience: Meilisearch
 * never issues one.
 */
export function verifyToken(token: Unverified, secret: string, nowSeconds: number): TokenCheck {
  const digest = digests.get(token.header.alg);
  if (digest === undefined) return refuse('InvalidAlgorithm');
  const expected = createHmac(digest, secret).update(token.signed).digest();
  if (expected.length !== token.signature.length || !timingSafeEqual(expected, token.signature)) {
    return refuse('InvalidSignature');
  }
  if (token.claims['aud'] !== undefined) return refuse('InvalidAudience');
  const expiry = token.claims['exp'];
  if (typeof expiry === 'number' && nowSeconds > expiry) {
    return {
      ok: false,
      message: `Tenant token expired. Was valid up to \`${expiry}\` and we're now \`${nowSeconds}\`.`,
    };
  }
  const rules = readRules(token.claims['searchRules']);
  const apiKeyUid = claimedKeyUid(token);
  if (rules === null || apiKeyUid === null) return refuse('JSON error: invalid claims');
  return { ok: true, token: { apiKeyUid, rules } };
}

/** The rule for an index: the exact name first, then the longest pattern; undefined when none. */
export function ruleFor(rules: SearchRules, uid: string): { filter: JsonValue } | undefined {
  const exact = rules.get(uid);
  if (exact !== undefined) return { filter: exact };
  const patterns = [...rules.keys()]
    .filter((pattern) => matchesPattern(pattern, uid))
    .sort((a, b) => b.length - a.length);
  const best = patterns[0];
  return best === undefined ? undefined : { filter: rules.get(best) ?? null };
}

function readRules(value: JsonValue | undefined): SearchRules | null {
  if (Array.isArray(value)) {
    return value.every((item) => typeof item === 'string')
      ? new Map(value.map((item) => [item as string, null]))
      : null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const rules = new Map<string, JsonValue>();
  for (const [pattern, rule] of Object.entries(value)) {
    if (rule === null) rules.set(pattern, null);
    else if (typeof rule === 'object' && !Array.isArray(rule))
      rules.set(pattern, rule['filter'] ?? null);
    else return null;
  }
  return rules;
}

function refuse(reason: string): TokenCheck {
  return { ok: false, message: `Could not decode tenant token, ${reason}.` };
}
