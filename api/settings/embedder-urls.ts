import type { Config } from '../../config/config';
import { MeiliError } from '../../core/errors';
import type { JsonValue } from '../../core/fleet';
import { isObject } from '../../core/search/values';
import { checkOutbound } from '../../meili/outbound-guard';

/** More embedders than an index may have. */
const urlsMax = 512;

/**
 * Refuses embedders whose url points where `outbound` does not allow: nodes call it from within the network
 * that they are in. A name that does not resolve here passes, because nodes may know it; they have their own
 * guard (`--experimental-allowed-ip-networks`). `embedders`: the patch that the client sent, of any shape.
 */
export async function demandAllowedEmbedders(
  { outbound }: Pick<Config, 'outbound'>,
  embedders: JsonValue | undefined,
): Promise<void> {
  for (const { place, url } of urlsIn(embedders ?? null, '.embedders').slice(0, urlsMax)) {
    if (!URL.canParse(url)) continue;
    const verdict = await checkOutbound(url, outbound);
    if (verdict.ok || verdict.unresolved === true) continue;
    throw new MeiliError(
      'invalid_settings_embedders',
      `Invalid value at \`${place}\`: this url must not be called: ${verdict.reason}.`,
    );
  }
}

/** Every member `url` of an embedder and of those within it. */
function urlsIn(value: JsonValue, place: string): { place: string; url: string }[] {
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const at = `${place}.${name}`;
    if (name === 'url' && typeof inner === 'string') return [{ place: at, url: inner }];
    const isNested = place === '.embedders' || name.endsWith('Embedder');
    return isNested ? urlsIn(inner, at) : [];
  });
}
