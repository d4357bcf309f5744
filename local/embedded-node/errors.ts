/**
 * The errors the embedded node answers, in Meilisearch's shape. A code decides status and type, so
 * a message is all that a call site adds.
 */

/** The JSON body of an error answer, and the `error` of a failed task; members in this order. */
export interface ErrorBody {
  readonly message: string;
  readonly code: string;
  readonly type: string;
  readonly link: string;
}

const STATUS_AND_TYPE: Readonly<Record<string, readonly [number, string]>> = {
  missing_authorization_header: [401, 'auth'],
  missing_master_key: [401, 'auth'],
  invalid_api_key: [403, 'auth'],
  api_key_not_found: [404, 'invalid_request'],
  document_not_found: [404, 'invalid_request'],
  index_not_found: [404, 'invalid_request'],
  task_not_found: [404, 'invalid_request'],
  batch_not_found: [404, 'invalid_request'],
  api_key_already_exists: [409, 'invalid_request'],
  index_already_exists: [409, 'invalid_request'],
  payload_too_large: [413, 'invalid_request'],
  invalid_content_type: [415, 'invalid_request'],
  missing_content_type: [415, 'invalid_request'],
  no_space_left_on_device: [422, 'system'],
  internal: [500, 'internal'],
  too_many_search_requests: [503, 'system'],
};

/** An error with Meilisearch's code; thrown anywhere, answered as JSON or kept in a failed task. */
export class ApiError extends Error {
  readonly status: number;
  readonly type: string;

  constructor(
    readonly code: string,
    message: string,
    status?: number,
  ) {
    super(message);
    this.name = 'ApiError';
    const [defaultStatus, type] = STATUS_AND_TYPE[code] ?? [400, 'invalid_request'];
    this.status = status ?? defaultStatus;
    this.type = type;
  }

  body(): ErrorBody {
    return {
      message: this.message,
      code: this.code,
      type: this.type,
      link: `https://docs.meilisearch.com/errors#${this.code}`,
    };
  }
}

/** A read of, or a task on, an index that does not exist. */
export function indexNotFound(uid: string): ApiError {
  return new ApiError('index_not_found', `Index \`${uid}\` not found.`);
}

/** A use of an experimental feature that is off; `discussion` is the number in the link. */
export function featureNotEnabled(action: string, feature: string, discussion: number): ApiError {
  const link = `https://github.com/orgs/meilisearch/discussions/${discussion}`;
  return new ApiError(
    'feature_not_enabled',
    `${action} requires enabling the \`${feature}\` experimental feature. See ${link}`,
  );
}

/** Turns anything thrown into an `ApiError`; what is not one already is a defect of this program. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new ApiError('internal', `An unexpected crash occurred: ${text}`);
}
