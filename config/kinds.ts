/** The kinds of values a setting may have: how text or YAML becomes the value, and how docs call it. */
export interface Kind<T> {
  /** For the reference page, as `integer, 1 … 256`. */
  readonly name: string;
  /** Throws an Error whose message says what was expected. */
  readonly parse: (input: unknown) => T;
}

export function integer(min: number, max: number): Kind<number> {
  return {
    name: `integer, ${String(min)} … ${String(max)}`,
    parse: (input) => {
      const text = typeof input === 'number' ? String(input) : input;
      const value = typeof text === 'string' && /^-?\d+$/.test(text.trim()) ? Number(text) : NaN;
      if (!(value >= min && value <= max)) {
        throw new Error(`expected an integer from ${String(min)} to ${String(max)}`);
      }
      return value;
    },
  };
}

export const milliseconds = (min: number, max: number): Kind<number> => {
  const base = integer(min, max);
  return { ...base, name: `milliseconds, ${String(min)} … ${String(max)}` };
};

export const text: Kind<string> = {
  name: 'text',
  parse: (input) => {
    // YAML reads 1234 as a number; a key or prefix of digits is meant as text.
    const value = typeof input === 'number' ? String(input) : input;
    if (typeof value !== 'string' || value === '') throw new Error('expected a text, not empty');
    return value;
  },
};

export const flag: Kind<boolean> = {
  name: '`true` or `false`',
  parse: (input) => {
    if (input === true || input === 'true' || input === '1') return true;
    if (input === false || input === 'false' || input === '0') return false;
    throw new Error('expected true or false');
  },
};

export function choice<T extends string>(...values: readonly T[]): Kind<T> {
  const names = values.map((value) => `\`${value}\``).join(', ');
  return {
    name: names,
    parse: (input) => {
      const found = values.find((value) => value === input);
      if (found === undefined) throw new Error(`expected one of ${values.join(', ')}`);
      return found;
    },
  };
}

export function matching(name: string, pattern: RegExp, example: string): Kind<string> {
  return {
    name,
    parse: (input) => {
      const value = text.parse(input);
      if (!pattern.test(value)) throw new Error(`expected ${name}, as ${example}`);
      return value;
    },
  };
}

/** `none`, an empty variable or YAML's `null` mean `null`. */
export function nullable<T>(kind: Kind<T>): Kind<T | null> {
  return {
    name: `${kind.name}, or none`,
    parse: (input) =>
      input === null || input === '' || input === 'none' ? null : kind.parse(input),
  };
}

export const fraction: Kind<number> = {
  name: 'number, 0 … 1',
  parse: (input) => {
    const value = typeof input === 'string' && input.trim() !== '' ? Number(input) : input;
    if (typeof value !== 'number' || !(value >= 0 && value <= 1)) {
      throw new Error('expected a number from 0 to 1');
    }
    return value;
  },
};

/** `{"meili-0": 50000000000}` as JSON text, or the same in YAML. */
export const bytesByName: Kind<Readonly<Record<string, number>>> = {
  name: 'bytes by node id, as JSON in the environment',
  parse: (input) => {
    const value: unknown = typeof input === 'string' ? JSON.parse(input) : input;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new Error('expected an object of node ids and bytes');
    }
    for (const bytes of Object.values(value as Record<string, unknown>)) {
      if (!Number.isSafeInteger(bytes) || (bytes as number) <= 0) {
        throw new Error('expected whole numbers of bytes above 0');
      }
    }
    return value as Record<string, number>;
  },
};
