import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { builtEntry } from '../../local/paths';
import type { FromChild, Role, ToChild } from './messages';

export interface Child {
  readonly urls: readonly string[];
  /** Processor time so far, milliseconds. */
  cpuMs(): Promise<number>;
  /** Resolves when the process has ended. */
  end(): Promise<void>;
}

const startMsMax = 60_000;
const answerMsMax = 10_000;
const endMsMax = 5_000;

/** Starts one server in a process of its own; resolves when it takes requests. */
export async function startChild(role: Role, env: NodeJS.ProcessEnv): Promise<Child> {
  const child = fork(builtEntry('bench/http/child.js'), [], {
    env,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const end = (): Promise<void> => endOf(child);
  try {
    const ready = await ask(child, { ask: 'role', role }, startMsMax);
    if (ready.event !== 'ready') throw new Error(`The ${role.kind} child said ${ready.event}.`);
    return {
      urls: ready.urls,
      end,
      cpuMs: async () => {
        const answer = await ask(child, { ask: 'cpu' }, answerMsMax);
        return answer.event === 'cpu' ? answer.cpuMs : NaN;
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

function ask(child: ChildProcess, question: ToChild, deadlineMs: number): Promise<FromChild> {
  return new Promise((resolve, reject) => {
    const done = (act: () => void): void => {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit);
      act();
    };
    const onMessage = (message: FromChild): void => done(() => resolve(message));
    const onExit = (code: number | null): void =>
      done(() => reject(new Error(`A child of the bench ended with code ${String(code)}.`)));
    const timer = setTimeout(
      () =>
        done(() => reject(new Error(`A child of the bench did not answer \`${question.ask}\`.`))),
      deadlineMs,
    );
    child.once('message', onMessage).once('exit', onExit);
    child.send(question);
  });
}

function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), endMsMax);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    if (child.connected) child.disconnect();
  });
}
