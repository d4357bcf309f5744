import type { ClientStep } from './types';

/** Sends what one client asks, as the story says it: each after its pause, a hurried one unanswered. */
export async function sendSteps(
  steps: readonly ClientStep[],
  client: {
    readonly pause: (ms: number) => Promise<void>;
    readonly ask: (step: ClientStep) => Promise<void>;
  },
): Promise<void> {
  const sent: Promise<void>[] = [];
  for (const step of steps) {
    await client.pause(step.think);
    const asked = client.ask(step);
    sent.push(asked);
    if (step.hurried !== true) await asked;
  }
  await Promise.all(sent);
}
