import type { JsonValue } from '../../../core/fleet';
import { MeiliError } from '../../../core/errors';
import { groupId, nodeId } from '../../../core/ids';
import type { GroupId } from '../../../core/ids';
import type { NodeToAdd } from '../../../core/placement-change';
import { checkOutbound } from '../../../meili/outbound-guard';
import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';

export const nodeFields = ['id', 'url', 'group', 'zone', 'weight'] as const;

const weightMin = 0.01;
const weightMax = 1_000;
const zoneCharactersMax = 64;

/** A node as an operator describes it. Throws the error of the first member that is wrong. */
export function readNode(fields: Fields, group?: GroupId): NodeToAdd {
  const id = fields.string('id');
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) {
    throw fields.invalid('id', 'a node id is 1 to 64 letters, digits, hyphens and underscores');
  }
  const url = fields.string('url');
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw fields.invalid('url', `\`${url}\` is not an http or https url`);
  }
  return {
    id: nodeId(id),
    url: url.replace(/\/+$/, ''),
    group: group ?? groupId(fields.optionalNumber('group', { min: 0, integer: true }) ?? 0),
    zone: readZone(fields),
    weight: readWeight(fields) ?? 1,
  };
}

/** Null: not given. */
export function readWeight(fields: Fields): number | null {
  const weight = fields.optionalNumber('weight', { min: weightMin, integer: false });
  if (weight === null || weight <= weightMax) return weight;
  throw fields.invalid('weight', `must be at most ${weightMax}, but is ${weight}`);
}

export function readZone(fields: Fields): string | null {
  const zone = fields.optionalString('zone');
  if (zone === null || (zone !== '' && zone.length <= zoneCharactersMax)) return zone;
  throw fields.invalid('zone', `a zone is a name of 1 to ${zoneCharactersMax} characters`);
}

/** The members of `nodes`, each an object as `readNode` takes it, but for its group. */
export function readNodes(fields: Fields, group: GroupId): NodeToAdd[] {
  const raw = fields.raw('nodes') ?? null;
  if (!Array.isArray(raw)) throw fields.wrongType('nodes', 'an array', raw);
  const known = nodeFields.filter((name) => name !== 'group');
  return raw.map((one: JsonValue) => readNode(new Fields(one, { known }), group));
}

/** Link-local addresses, where clouds keep their secrets, are never called, whoever asks. */
export async function demandAllowedUrl(ctx: ApiContext, url: string): Promise<void> {
  const verdict = await checkOutbound(url, ctx.config.outbound);
  if (verdict.ok) return;
  throw new MeiliError('bad_request', `Invalid value at \`.url\`: ${verdict.reason}`);
}
