/** How a workflow interrupts an activity. */
export class Cancellation {
  requested = false;
}

export class Canceled extends Error {
  override readonly name = 'Canceled';
}
