const pollMs = 200;

/** Reads until `done` accepts what was read; throws after the deadline, naming what was waited for. */
export async function poll<T, R extends T>(
  what: string,
  read: () => Promise<T>,
  done: (value: T) => value is R,
  deadlineMs?: number,
): Promise<R>;
export async function poll<T>(
  what: string,
  read: () => Promise<T>,
  done: (value: T) => boolean,
  deadlineMs?: number,
): Promise<T>;
export async function poll<T>(
  what: string,
  read: () => Promise<T>,
  done: (value: T) => boolean,
  deadlineMs = 180_000,
): Promise<T> {
  const until = Date.now() + deadlineMs;
  for (;;) {
    const value = await read();
    if (done(value)) return value;
    if (Date.now() > until) throw new Error(`Gave up after ${deadlineMs / 1000} s on ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
