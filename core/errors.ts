import { plainCodes, specialCodes } from './error-codes';

export type ErrorType = 'internal' | 'invalid_request' | 'auth' | 'system';

export interface ErrorKind {
  readonly status: number;
  readonly type: ErrorType;
}

/**
 * Miroir's own codes. `miroir_not_supported` is 400 and not 501: Meilisearch answers 400 for a
 * feature that is not enabled, which is what a client meets here, and SDKs retry a 5xx.
 */
export const miroirCodes = {
  miroir_primary_key_required: {
    status: 400,
    type: 'invalid_request',
    meaning: 'The index has no primary key yet and none can be told from these documents.',
  },
  miroir_reserved_field: {
    status: 400,
    type: 'invalid_request',
    meaning:
      'A document or a setting names a field, or a request an index, that begins with `_miroir_`.',
  },
  miroir_not_supported: {
    status: 400,
    type: 'invalid_request',
    meaning: 'A fleet cannot serve this; the message says why.',
  },
  miroir_partially_applied: {
    status: 400,
    type: 'invalid_request',
    meaning: 'Some shards refused their part of a task, others applied theirs.',
  },
  miroir_invalid_auth: {
    status: 401,
    type: 'auth',
    meaning: 'The admin key is missing or wrong on an operator route.',
  },
  miroir_jwt_invalid: {
    status: 401,
    type: 'auth',
    meaning: 'The session token is malformed, wrongly signed or over.',
  },
  miroir_jwt_scope_denied: {
    status: 403,
    type: 'auth',
    meaning: 'The session token does not grant this.',
  },
  miroir_not_found: {
    status: 404,
    type: 'invalid_request',
    meaning: 'No such node, job, alias or policy.',
  },
  miroir_idempotency_key_reused: {
    status: 409,
    type: 'invalid_request',
    meaning: 'The idempotency key was used before with another body.',
  },
  miroir_multi_alias_not_writable: {
    status: 409,
    type: 'invalid_request',
    meaning: 'The alias has several targets, so a write has no single place to go.',
  },
  miroir_operation_refused: {
    status: 409,
    type: 'invalid_request',
    meaning: 'The operation would break a promise of the fleet in its present state.',
  },
  miroir_operations_queue_full: {
    status: 503,
    type: 'system',
    meaning: 'Too many operations wait for their turn already; start this one later.',
  },
  miroir_plan_stale: {
    status: 409,
    type: 'invalid_request',
    meaning: 'The fleet has changed since the plan was made; plan again.',
  },
  miroir_storage_unavailable: {
    status: 503,
    type: 'system',
    meaning: 'The storage of dumps and backups does not answer or refuses.',
  },
  miroir_no_quorum: {
    status: 503,
    type: 'system',
    meaning: 'Too few replicas took the write. Its outcome is unknown; a retry is safe.',
  },
  miroir_shard_unavailable: {
    status: 503,
    type: 'system',
    meaning: 'No replica of some shard answered and partial answers are not wanted.',
  },
  miroir_settings_version_stale: {
    status: 503,
    type: 'system',
    meaning: 'The nodes have not reached the settings version that the request asks for.',
  },
  miroir_not_ready: {
    status: 503,
    type: 'system',
    meaning: 'This pod has not loaded the state of the fleet or lost its lease.',
  },
  miroir_fenced: {
    status: 503,
    type: 'system',
    meaning: 'Writes to these shards waited for a move longer than allowed; retry.',
  },
  miroir_disk_full: {
    status: 507,
    type: 'system',
    meaning: 'A node has no room left for what would make it grow. Deletes are taken.',
  },
  miroir_state_lost: {
    status: 503,
    type: 'system',
    meaning: 'Redis has an older state of the fleet than was seen before: run `miroir recover`.',
  },
  miroir_interrupted: {
    status: 503,
    type: 'system',
    meaning: 'The process that carried the task died before every shard had taken it.',
  },
  miroir_control_plane_unavailable: {
    status: 503,
    type: 'system',
    meaning: 'Temporal cannot be reached. Searches and writes go on; operations wait.',
  },
  miroir_store_unavailable: {
    status: 503,
    type: 'system',
    meaning:
      'Redis cannot be reached. Searches go on; the outcome of a write is unknown, a retry is safe.',
  },
} as const satisfies Record<string, ErrorKind & { readonly meaning: string }>;

export type MiroirCode = keyof typeof miroirCodes;
export type MeilisearchCode =
  | (typeof specialCodes)[number]['codes'][number]
  | (typeof plainCodes)[keyof typeof plainCodes][number];
export type ErrorCode = MeilisearchCode | MiroirCode;

const kinds: ReadonlyMap<string, ErrorKind> = new Map<string, ErrorKind>([
  ...Object.values(plainCodes).flatMap((codes) =>
    codes.map((code): [string, ErrorKind] => [code, { status: 400, type: 'invalid_request' }]),
  ),
  ...specialCodes.flatMap(({ codes, status, type }) =>
    codes.map((code): [string, ErrorKind] => [code, { status, type }]),
  ),
  ...Object.entries(miroirCodes),
]);

export const errorCodes: readonly ErrorCode[] = [...kinds.keys()].sort() as ErrorCode[];

export const isErrorCode = (code: string): code is ErrorCode => kinds.has(code);

export const errorKind = (code: ErrorCode): ErrorKind =>
  kinds.get(code) ?? { status: 500, type: 'internal' };

/** The four members of an error on the wire, in Meilisearch's order. */
export interface ErrorBody {
  readonly message: string;
  readonly code: string;
  readonly type: string;
  readonly link: string;
}

/**
 * An error that a client is meant to see. Match it by `code` (`isMeiliError`), never by
 * `instanceof`: test runners and bundles load modules twice.
 */
export class MeiliError extends Error {
  readonly status: number;
  readonly type: ErrorType;
  readonly link: string;

  constructor(
    readonly code: ErrorCode,
    message: string,
    /** Meilisearch answers 400 for a missing index inside `/multi-search`. */
    status?: number,
  ) {
    super(message);
    this.name = 'MeiliError';
    const kind = errorKind(code);
    this.status = status ?? kind.status;
    this.type = kind.type;
    this.link = errorLink(code);
  }

  toBody(): ErrorBody {
    return { message: this.message, code: this.code, type: this.type, link: this.link };
  }

  /** The same error with a text before its message, as `/multi-search` puts one. */
  prefixed(prefix: string, status?: number): MeiliError {
    return new MeiliError(this.code, prefix + this.message, status ?? this.status);
  }
}

export const errorLink = (code: string): string => `https://docs.meilisearch.com/errors#${code}`;

export const isMeiliError = (error: unknown): error is MeiliError =>
  typeof error === 'object' &&
  error !== null &&
  'code' in error &&
  'toBody' in error &&
  typeof error.code === 'string' &&
  isErrorCode(error.code);
