/**
 * Goal: style and layout are true, not wished for. Method: every tracked file is read as text and held
 * against the rules of CONTRIBUTING.md that no linter knows.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..');
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && statSync(join(root, file), { throwIfNoEntry: false })?.isFile());
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const code = files.filter((file) => file.endsWith('.ts'));
const words = files.filter((file) => /\.(ts|md|js|json|ya?ml|sh)$/.test(file) && !isData(file));

function isData(file: string): boolean {
  return (
    file.startsWith('test/recordings/') ||
    file.startsWith('test/replay/histories/') ||
    file === 'package-lock.json'
  );
}

/** Each rule is written so that this file does not break it. */
function offenders(candidates: readonly string[], pattern: RegExp): string[] {
  return candidates
    .filter((file) => file !== 'test/tidy.test.ts')
    .flatMap((file) =>
      read(file)
        .split('\n')
        .flatMap((line, at) => (pattern.test(line) ? [`${file}:${at + 1}: ${line.trim()}`] : [])),
    );
}

describe('tidy', () => {
  it('keeps every file at most 400 lines long', () => {
    const long = code.filter((file) => read(file).trimEnd().split('\n').length > 400);
    expect(long).toEqual([]);
  });

  it('promises nothing in words', () => {
    const pattern = /\b(TODO|FIXME|HACK|[Nn]ot (yet )?implemented|[Ff]or now|[Pp]laceholder)\b/;
    // A placeholder search is what the engine calls a search without words.
    const found = offenders(code, pattern).filter((line) => !/placeholder/i.test(line));
    expect(found).toEqual([]);
  });

  it('refers to nothing outside of the project', () => {
    expect(offenders(words, /\.\.\/shared|\/work\/|tried\.md|design\.md|spec\.md|§/)).toEqual([]);
  });

  it('names no package registry host', () => {
    const hosts = /registry\.npmjs\.org|pypi\.org|pythonhosted|deb\.debian\.org|crates\.io/;
    expect(offenders(words, hosts)).toEqual([]);
  });

  it('skips and focuses no test', () => {
    const tests = code.filter((file) => file.startsWith('test/'));
    expect(offenders(tests, /\b(it|test|describe)\.(skip|only|todo)\b|\bx(it|describe)\(/)).toEqual(
      [],
    );
  });

  it('keeps core pure', () => {
    const core = code.filter((file) => file.startsWith('core/'));
    expect(offenders(core, /Date\.now|Math\.random|from 'node:|\brequire\(/)).toEqual([]);
  });

  it('names files in kebab case', () => {
    const odd = code.filter((file) => !/^[a-z0-9./-]+$/.test(file));
    expect(odd).toEqual([]);
  });

  it('has at its root only what the README maps', () => {
    const known = new Set([
      ...[
        '.ci',
        '.dockerignore',
        '.gitignore',
        '.prettierignore',
        '.prettierrc.json',
        'CHANGELOG.md',
      ],
      ...['CONTRIBUTING.md', 'LICENSE', 'README.md', 'docker-compose.yml', 'eslint.config.js'],
      ...['jest.config.js', 'package.json', 'package-lock.json', 'tsconfig.json'],
      ...[
        'tsconfig.build.json',
        'activities',
        'archives',
        'api',
        'bench',
        'cli',
        'config',
        'core',
        'deploy',
      ],
      ...['docs', 'local', 'meili', 'store', 'test', 'web', 'worker', 'workflows'],
    ]);
    const top = new Set(files.map((file) => file.split('/')[0] ?? ''));
    expect([...top].filter((name) => !known.has(name))).toEqual([]);
  });

  it('carries no large blob', () => {
    const large = files.filter((file) => statSync(join(root, file)).size > 600_000);
    expect(large).toEqual([]);
  });

  it('gives every dependency its reason', () => {
    const manifest = JSON.parse(read('package.json')) as {
      dependencies: Record<string, string>;
      devDependencies: Record<string, string>;
    };
    const page = read('docs/reference/dependencies.md');
    const named = (name: string): boolean =>
      page.includes(`\`${name}\``) ||
      (name.startsWith('@temporalio/') && page.includes('`@temporalio/*`')) ||
      (name.startsWith('@types/') && page.includes('`@types/*`'));
    const all = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)];
    expect(all.filter((name) => !named(name))).toEqual([]);
  });
});
