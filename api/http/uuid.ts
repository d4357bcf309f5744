/** Why a text is no uuid, as the engine says it; null for one that is. */
export function uuidFault(text: string): string | null {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return null;
  const at = [...text].findIndex((letter) => !/[0-9a-f-]/i.test(letter));
  return at === -1
    ? `invalid length: expected length 32 for simple format, found ${text.length}`
    : `invalid character: found \`${[...text][at] ?? ''}\` at ${at}`;
}
