/** A variable that the global setup has set for the run. */
export function requiredEnv(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') {
    throw new Error(`${name} is not set: jest must run with test/support/global-setup.ts.`);
  }
  return value;
}
