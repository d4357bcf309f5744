/**
 * Goal: the reference lists the routes that are served and no others, each described.
 * Method: the document of a running pod is held against the summaries and the file, both ways.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenApiDocument } from '../../api/openapi/document';
import { openApiReference, openApiText } from '../../api/openapi/reference';
import { summarised } from '../../api/openapi/summaries';
import { fleetForTest } from './support';
import type { FleetForTest, PodForTest } from './support';

let fleet: FleetForTest;
let pod: PodForTest;
let served: OpenApiDocument;

beforeAll(async () => {
  fleet = await fleetForTest({ nodes: 1, replicationFactor: 1 });
  pod = await fleet.pod();
  served = JSON.parse((await pod.send('GET', '/_miroir/openapi.json')).text) as OpenApiDocument;
});
afterAll(async () => {
  await fleet.close();
});

const namesOf = (document: OpenApiDocument): string[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );

test('every route has a summary', () => {
  const silent = Object.entries(served.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => (operation as { summary: string }).summary === '')
      .map(([method]) => `${method} ${path}`),
  );
  expect(silent).toEqual([]);
});

test('every summary has a route', () => {
  const names = new Set(namesOf(served));
  expect(summarised.filter((name) => !names.has(name))).toEqual([]);
});

test('the file is what a pod serves', () => {
  const file = readFileSync(join(__dirname, '../../docs/reference/openapi.json'), 'utf8');
  expect(file).toBe(openApiText(served));
  expect(openApiText(openApiReference({ config: fleet.config }))).toBe(file);
});

test('every route but the open ones refuses who has no key', async () => {
  const open = ['/', '/health', '/_miroir/ready', '/_miroir/openapi.json'];
  for (const name of namesOf(served)) {
    const [method = '', path = ''] = name.split(' ');
    const url = path.replace(/\{\w+\}/g, 'x');
    const answer = await pod.send(method, url, undefined, { authorization: '' });
    if (open.includes(path)) expect(answer.status).toBeLessThan(300);
    else expect({ name, status: answer.status }).toEqual({ name, status: 401 });
  }
});
