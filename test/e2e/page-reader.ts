import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiClient } from '../../cli/client';
import type { RunningFleet } from '../../local/fleet';
import { builtForTest } from '../support/built';
import { linesWithoutFigures, partsOfPage } from '../support/page-commands';
import { waitFor } from '../support/wait-for';

const deadlineMs = 120_000;

export interface Page {
  readonly name: string;
  given?(): Promise<void>;
  /** Fills in what the reader would; null: this is not typed here. */
  fill?(command: string): Promise<string | null> | string | null;
  /** What must be so after such a command: words of its output, or a check of the fleet. */
  readonly expected?: readonly (readonly [RegExp, RegExp | (() => Promise<void>)])[];
  /** Output blocks of the page, by their number, that need a fault or a year to be seen. */
  readonly notSeen?: readonly number[];
  /** A page whose commands are not found any more would pass. 5. */
  readonly typedAtLeast?: number;
}

/** Somebody who reads pages and types their commands into a shell, in which a fleet is told of. */
export class PageReader {
  readonly api: ApiClient;
  /** Of the shell; more variables can be put into it. */
  readonly env: NodeJS.ProcessEnv;
  readonly #directory: string;

  /** The shell stands in `directory`, which is there and empty. */
  constructor(fleet: RunningFleet, directory: string) {
    this.api = new ApiClient(fleet);
    this.#directory = directory;
    this.env = {
      ...{ HOME: directory, USER: 'reader' },
      PATH: `${programs(directory)}:${process.env['PATH'] ?? ''}`,
      MIROIR_API: fleet.api,
      MIROIR_ADMIN_KEY: fleet.adminKey,
      MIROIR_MASTER_KEY: fleet.masterKey,
    };
  }

  /** Its output. Not in step with this process, which may be what commands wait for. */
  async type(command: string): Promise<string> {
    const child = spawn('bash', ['-c', command], {
      ...{ cwd: this.#directory, env: this.env, timeout: deadlineMs },
    });
    const printed = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => (printed.stdout += String(chunk)));
    child.stderr.on('data', (chunk) => (printed.stderr += String(chunk)));
    child.stdin.end();
    const status = await new Promise((resolve) => child.on('close', resolve));
    if (status === 0) return printed.stdout;
    throw new Error(
      `${command}\nended with ${String(status)}:\n${printed.stdout}${printed.stderr}`,
    );
  }

  /** Types the commands of a page of `docs/operating` in their order, each when the tasks of the one before are over. */
  async read(page: Page): Promise<void> {
    const { name, given, fill = (command) => command, notSeen = [] } = page;
    await given?.();
    let outputs = 0;
    let typed = 0;
    let printed = '';
    for (const { kind, text } of partsOfPage(pageText(name))) {
      if (kind === 'output') {
        if (!notSeen.includes((outputs += 1) - 1)) {
          const seen = linesWithoutFigures(printed);
          expect(seen).toEqual(expect.arrayContaining(linesWithoutFigures(text)));
        }
        continue;
      }
      const command = await fill(text);
      if (command === null) continue;
      printed = await this.type(command);
      typed += 1;
      await this.tasksAreOver();
      await expectAfter(page, text, printed);
    }
    expect(typed).toBeGreaterThanOrEqual(page.typedAtLeast ?? 5);
  }

  async tasksAreOver(): Promise<void> {
    const open = '/tasks?statuses=enqueued,processing&limit=1';
    await waitFor(async () => (await this.api.get<{ total: number }>(open)).total === 0, {
      ...{ what: 'the tasks', deadlineMs },
    });
  }

  async index(uid: string, documents: readonly object[]): Promise<void> {
    await this.api.post('/indexes', { uid, primaryKey: 'id' });
    if (documents.length > 0) await this.api.post(`/indexes/${uid}/documents`, documents);
    await this.tasksAreOver();
  }

  /** Those that are named, or all. */
  async deleteIndexes(...uids: string[]): Promise<void> {
    const { results } = await this.api.get<{ results: { uid: string }[] }>('/indexes?limit=100');
    for (const { uid } of results) {
      if (uids.length === 0 || uids.includes(uid)) await this.api.delete(`/indexes/${uid}`);
    }
    await this.tasksAreOver();
  }
}

/** The text of a page of `docs/operating`. */
export const pageText = (name: string): string =>
  readFileSync(join(__dirname, `../../docs/operating/${name}.md`), 'utf8');

async function expectAfter(page: Page, text: string, printed: string): Promise<void> {
  for (const [of, must] of page.expected ?? []) {
    if (!of.test(text)) continue;
    if (must instanceof RegExp) expect(printed).toMatch(must);
    else await must();
  }
}

/** `miroir` is found, and a request that is refused is a command that failed. Returns their folder. */
function programs(directory: string): string {
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  const put = (name: string, command: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${command}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  put('miroir', `exec '${process.execPath}' '${join(builtForTest(), 'cli/main.js')}' "$@"`);
  const curl = spawnSync('sh', ['-c', 'command -v curl']).stdout.toString().trim();
  put('curl', `exec '${curl}' --silent --show-error --fail-with-body "$@"`);
  return bin;
}
