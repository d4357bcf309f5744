import type { Config } from './config';
import type { Kind } from './kinds';

type Leaf<T> = {
  [Section in keyof T & string]: `${Section}.${keyof T[Section] & string}`;
}[keyof T & string];

/** `api.port` and so on: every value of the configuration. */
export type Path = Leaf<Config>;

export type ValueAt<P extends Path> = P extends `${infer Section}.${infer Name}`
  ? Section extends keyof Config
    ? Name extends keyof Config[Section]
      ? Config[Section][Name]
      : never
    : never
  : never;

/** Marks a setting that somebody must give, with how to get one. */
export interface Required {
  readonly required: string;
}

export interface Setting<T> {
  readonly env: string;
  readonly kind: Kind<T>;
  readonly default: T | Required;
  readonly about: string;
  /** Never printed. */
  readonly secret?: true;
}
