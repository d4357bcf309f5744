import { ArchiveError } from './depot';

/** What the storage refuses until somebody changes something; asking again would change nothing. */
const refusals: Readonly<Record<string, string>> = {
  NoSuchBucket: 'there is no such bucket',
  InvalidBucketName: 'this cannot be the name of a bucket',
  AccessDenied: 'the credentials may not do this',
  Forbidden: 'the credentials may not do this',
  InvalidAccessKeyId: 'it does not know the access key',
  SignatureDoesNotMatch: 'the secret key is not the one of the access key',
  InvalidToken: 'the session token is not valid',
  ExpiredToken: 'the session token has expired',
  CredentialsProviderError: 'no credentials were found (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)',
  PermanentRedirect: 'the bucket is in another region',
  AuthorizationHeaderMalformed: 'the bucket is in another region (s3.region)',
};

interface Said {
  readonly name?: string;
  /** Of the operating system. */
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** Whether it is about one file that is not there; a bucket that is missing is another matter. */
const isMissingFile = ({ name }: Said): boolean =>
  name === 'NoSuchKey' || name === 'NotFound' || name === 'NoSuchUpload';

/**
 * What a call to the storage failed with, in words of our own: what storage says may repeat what it was
 * sent, and this stands in histories and logs.
 */
export function asArchiveError(error: unknown, what: string): unknown {
  if (error instanceof ArchiveError) return error;
  const said = error as Said;
  const { name = 'Error', code, $metadata } = said;
  if (isMissingFile(said)) {
    return new ArchiveError('not-found', `There is no ${what} in the storage.`);
  }
  const status = $metadata?.httpStatusCode;
  const refusal = refusals[name] ?? (status === 401 ? refusals['AccessDenied'] : undefined);
  if (refusal !== undefined) {
    return new ArchiveError('refused', `${what}: the storage refuses (${name}): ${refusal}.`);
  }
  const how = code ?? (status === undefined ? '' : `status ${String(status)}`);
  const detail = how === '' || how === name ? name : `${name}, ${how}`;
  return new ArchiveError('unreachable', `${what}: the storage does not serve it (${detail}).`);
}

/** Runs what asks the storage, with its failures told apart. A source that breaks is not the storage's. */
export async function told<T>(call: () => Promise<T>, what: string): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw asArchiveError(error, what);
  }
}
