/**
 * Goal: the commands of a page are found as a reader would type them.
 * Method: a page with each form.
 */
import { linesWithoutFigures, partsOfPage } from './page-commands';

const page = [
  'Run `miroir ops\nlist`, not `ops list`.',
  '```sh',
  "cat > a.json <<'JSON'",
  '{ "a": 1 }',
  'JSON',
  '',
  '# a remark',
  'curl -X POST \\',
  '  http://x',
  "curl -d '{",
  '  "b": 2',
  "}'",
  "miroir alias list   # all of Ada's",
  '```',
  '```text',
  'node 1',
  '```',
  '```json',
  '{}',
  '```',
].join('\n');

test('blocks, spans, continued lines and here-documents', () => {
  expect(partsOfPage(page)).toEqual([
    { kind: 'command', text: 'miroir ops list' },
    { kind: 'command', text: 'cat > a.json <<\'JSON\'\n{ "a": 1 }\nJSON' },
    { kind: 'command', text: 'curl -X POST \\\n  http://x' },
    { kind: 'command', text: 'curl -d \'{\n  "b": 2\n}\'' },
    { kind: 'command', text: "miroir alias list   # all of Ada's" },
    { kind: 'output', text: 'node 1\n' },
  ]);
});

test('figures and widths do not count, words do', () => {
  const [line] = linesWithoutFigures('  meili-0  421337     0.5  2026-01-05T10:00:03.120Z\n');
  expect(line).toBe('meili-<n> <n> <n> <time>');
  expect(linesWithoutFigures('------  ---\n\n')).toEqual(['--- ---']);
  expect(linesWithoutFigures('logs-000002')).not.toEqual(linesWithoutFigures('films-000002'));
});
