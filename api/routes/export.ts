import type { FastifyInstance } from 'fastify';
import { byteSizeText, parseByteSize } from '../../core/byte-size';
import { MeiliError } from '../../core/errors';
import { chooseExported } from '../../core/export/choose';
import type { ExportChoice, ExportOrder } from '../../core/export/types';
import type { JsonValue } from '../../core/fleet';
import { exportPayloadBytesMax } from '../../core/limits';
import { checkOutbound } from '../../meili/outbound-guard';
import { seal } from '../../store/sealed';
import { authorize } from '../auth/authorize';
import type { ApiContext } from '../context';
import { Fields } from '../http/fields';
import { redactSecret } from '../writes/operations/redact';
import { RunTask } from '../writes/operations/task-operations';
import { temporalOf } from './miroir/operator-route';
import { answerWithTask } from './task-reply';

/** What the body says, with `details` as the task shows it. */
interface Wanted {
  readonly url: string;
  readonly apiKey: string | null;
  readonly payloadBytes: number | null;
  readonly choices: readonly ExportChoice[];
}

/**
 * `POST /export`: a task that a run works on. It sends the chosen indexes, each as the one index that
 * clients see, to another Meilisearch. Answers 200, as the engine does.
 */
export function registerExport(app: FastifyInstance, ctx: ApiContext): void {
  app.post('/export', { onRequest: authorize(ctx, 'export') }, async (request, reply) => {
    const wanted = readExport(request.body as JsonValue);
    if (!ctx.config.export.enabled) {
      throw new MeiliError(
        'miroir_not_supported',
        'Exports are switched off here: the setting `export.enabled` switches them on.',
      );
    }
    const url = await demandAllowed(ctx, wanted.url);
    const chosen = chooseExported(ctx.fleet.current(), wanted.choices);
    if (!chosen.ok) throw new MeiliError('miroir_not_supported', chosen.reason);
    temporalOf(ctx);
    const { apiKey, payloadBytes, choices } = wanted;
    const order: ExportOrder = {
      url,
      sealedKey: apiKey === null ? null : seal(ctx.config.nodes.key, apiKey),
      payloadBytes: Math.min(payloadBytes ?? ctx.config.export.payloadBytes, exportPayloadBytesMax),
      choices,
    };
    const run = { ...order } as unknown as { [member: string]: JsonValue };
    return await answerWithTask(ctx, reply, new RunTask('export', detailsOf(wanted), run), 200);
  });
}

function detailsOf({ url, apiKey, payloadBytes, choices }: Wanted): {
  [member: string]: JsonValue;
} {
  return {
    url,
    ...(apiKey === null ? {} : { apiKey: redactSecret(apiKey) }),
    ...(payloadBytes === null ? {} : { payloadSize: byteSizeText(payloadBytes) }),
    indexes: Object.fromEntries(
      choices.map(({ pattern, filter, overrideSettings }) => [
        pattern,
        { filter, overrideSettings },
      ]),
    ),
  };
}

const codes = {
  url: 'invalid_export_url',
  apiKey: 'invalid_export_api_key',
  payloadSize: 'invalid_export_payload_size',
} as const;

/** In the engine's words; one error at a time. */
function readExport(body: JsonValue): Wanted {
  const fields = new Fields(body, { known: ['url', 'apiKey', 'payloadSize', 'indexes'], codes });
  const choices = readChoices(fields);
  return {
    url: fields.has('url') ? fields.string('url') : '',
    apiKey: fields.optionalString('apiKey'),
    payloadBytes: readPayloadSize(fields),
    choices,
  };
}

function readPayloadSize(fields: Fields): number | null {
  const value = fields.raw('payloadSize') ?? null;
  if (value === null) return null;
  if (typeof value === 'string') {
    const size = parseByteSize(value);
    if (size.ok) return size.bytes;
    throw fields.invalid('payloadSize', size.reason);
  }
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw fields.wrongType('payloadSize', 'a positive integer or a string', value);
}

/** Patterns in the order of their bytes, as the engine keeps and shows them. */
function readChoices(fields: Fields): ExportChoice[] {
  if ((fields.raw('indexes') ?? null) === null) {
    return [{ pattern: '*', filter: null, overrideSettings: false }];
  }
  const choices = Object.entries(fields.object('indexes')).map(([pattern, value]) => {
    if (!isPattern(pattern)) {
      throw fields.invalid(
        'indexes',
        `the key ${JSON.stringify(pattern)} could not be deserialized into the key type \`meilisearch_types::index_uid_pattern::IndexUidPattern\``,
      );
    }
    const index = new Fields(value, {
      at: `.indexes.${pattern}`,
      known: ['filter', 'overrideSettings'],
      codes: {
        filter: 'invalid_export_index_filter',
        overrideSettings: 'invalid_export_index_override_settings',
      },
    });
    const override = index.raw('overrideSettings');
    // The engine takes no null here.
    if (override === null) throw index.wrongType('overrideSettings', 'a boolean', null);
    return {
      pattern,
      filter: index.raw('filter') ?? null,
      overrideSettings: index.optionalBoolean('overrideSettings', false),
    };
  });
  return choices.sort((a, b) => (a.pattern < b.pattern ? -1 : 1));
}

const isPattern = (pattern: string): boolean =>
  pattern === '*' || (/^[A-Za-z0-9_-]+\*?$/.test(pattern) && pattern.length <= 401);

/**
 * The url without a slash at its end. A name that does not resolve passes, as it does with the engine:
 * the task fails then. The url stands in the task, so what may hide a secret is refused.
 */
async function demandAllowed({ config }: ApiContext, value: string): Promise<string> {
  const verdict = await checkOutbound(value, config.outbound);
  const reason =
    verdict.ok || verdict.unresolved === true
      ? /[?#]/.test(value)
        ? 'it may have a scheme, a host, a port and a path; give the key as `apiKey`'
        : null
      : verdict.reason;
  if (reason === null) return value.replace(/\/+$/, '');
  throw new MeiliError(
    codes.url,
    `Invalid value at \`.url\`: this url must not be called: ${reason}.`,
  );
}
