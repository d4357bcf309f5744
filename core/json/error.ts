/**
 * A place where bytes stop being JSON, told as the engine's own parser tells it, because clients
 * see these texts: line and column count bytes from 1, and `offset` counts from the first byte.
 */
export class JsonSyntaxError extends Error {
  readonly code = 'json_syntax';
  /** The offset from which lines are counted: 0 is the whole payload. */
  origin = 0;

  constructor(
    readonly reason: JsonFault,
    readonly offset: number,
    readonly line: number,
    readonly column: number,
  ) {
    super(`${reason} at line ${String(line)} column ${String(column)}`);
    this.name = 'JsonSyntaxError';
  }
}

export function isJsonSyntaxError(error: unknown): error is JsonSyntaxError {
  return (error as { code?: unknown } | null)?.code === 'json_syntax';
}

/** The reasons, in the words of serde_json. */
export const jsonFault = {
  eofList: 'EOF while parsing a list',
  eofObject: 'EOF while parsing an object',
  eofString: 'EOF while parsing a string',
  eofValue: 'EOF while parsing a value',
  colon: 'expected `:`',
  listEnd: 'expected `,` or `]`',
  objectEnd: 'expected `,` or `}`',
  ident: 'expected ident',
  value: 'expected value',
  escape: 'invalid escape',
  number: 'invalid number',
  range: 'number out of range',
  unicode: 'invalid unicode code point',
  control: 'control character (\\u0000-\\u001F) found while parsing a string',
  key: 'key must be a string',
  surrogate: 'lone leading surrogate in hex escape',
  hexEnd: 'unexpected end of hex escape',
  trailingComma: 'trailing comma',
  trailing: 'trailing characters',
  depth: 'recursion limit exceeded',
} as const;

export type JsonFault = (typeof jsonFault)[keyof typeof jsonFault];

const newline = 0x0a;

/**
 * The error for a parser that has read up to `position`. Lines are counted from `origin`, so that
 * a value inside a payload can be spoken of as if it stood alone, as the engine does while indexing.
 */
export function syntaxError(
  bytes: Uint8Array,
  reason: JsonFault,
  position: number,
  origin = 0,
): JsonSyntaxError {
  const at = Math.min(position, bytes.length);
  let line = 1;
  let lineStart = origin;
  for (let index = origin; index < at; index += 1) {
    if (bytes[index] === newline) {
      line += 1;
      lineStart = index + 1;
    }
  }
  const error = new JsonSyntaxError(reason, at, line, at - lineStart);
  error.origin = origin;
  return error;
}
