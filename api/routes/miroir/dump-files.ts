import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../../core/errors';
import { demandDepot, withDepot } from '../../archives';
import type { ApiContext } from '../../context';
import { operatorRoute } from './operator-route';

interface FileParams {
  Params: { file: string };
}

const filePattern = /^[A-Za-z0-9_-]{1,100}\.dump$/;

/** The dumps that were made: list, download, delete. */
export function registerDumpFiles(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);

  app.get('/_miroir/dumps', options, async () => {
    const depot = demandDepot(ctx, 'dumps');
    const files = await withDepot(() => depot.list(''));
    return { location: depot.url, results: files.filter(({ name }) => filePattern.test(name)) };
  });

  app.get<FileParams>('/_miroir/dumps/:file', options, async (request, reply) => {
    const file = readFile(request.params.file);
    const stream = await withDepot(() => demandDepot(ctx, 'dumps').read(file));
    return await reply
      .type('application/gzip')
      .header('content-disposition', `attachment; filename="${file}"`)
      .send(stream);
  });

  app.delete<FileParams>('/_miroir/dumps/:file', options, async (request, reply) => {
    const file = readFile(request.params.file);
    await withDepot(() => demandDepot(ctx, 'dumps').delete(file));
    return await reply.code(204).send();
  });
}

function readFile(file: string): string {
  if (filePattern.test(file)) return file;
  throw new MeiliError('miroir_not_found', `There is no dump \`${file}\`.`);
}
