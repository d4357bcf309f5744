/** The part of a logger that the api uses; pino's loggers fit. No key and no body is ever logged. */
export interface Log {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}
