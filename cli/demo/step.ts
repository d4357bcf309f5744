import type { ApiClient } from '../client';
import type { Screen } from '../ui';

/** A line of the summary: what was shown, and the figure that shows it. */
export interface Figure {
  readonly what: string;
  readonly figure: string;
  readonly ok: boolean;
}

/** What each step of the demo gets. */
export interface DemoContext {
  readonly api: ApiClient;
  readonly screen: Screen;
  readonly temporalUi: string;
  readonly figures: Figure[];
}

export function record(demo: DemoContext, what: string, figure: string, ok = true): void {
  demo.figures.push({ what, figure, ok });
}
