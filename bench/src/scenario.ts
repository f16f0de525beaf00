/** What a scenario is given and gives back. */
export interface ScenarioContext {
  /** Fewer rounds and shorter ones: to see that all runs, not to publish. */
  readonly quick: boolean;
  /** Why there is no load generator, when there is none. */
  readonly noGenerator: string | undefined;
  /** One line about what is being measured now. */
  readonly progress: (what: string) => void;
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Said below the table: what was left out and why, what disturbed the run. */
  readonly notes: readonly string[];
}

export interface ScenarioResult {
  readonly tables: readonly Table[];
  /** Every single figure, for the JSON. */
  readonly data: unknown;
}

export interface Scenario {
  readonly name: string;
  readonly description: string;
  run(context: ScenarioContext): Promise<ScenarioResult>;
}

/** A scenario that could not run: one sentence instead of figures. */
export const skipped = (title: string, reason: string): ScenarioResult => ({
  tables: [{ title, columns: [], rows: [], notes: [`skipped: ${reason}`] }],
  data: { skipped: reason },
});

/** "12.3", "-" for nothing. */
export const figure = (value: number | undefined, digits = 1): string =>
  value === undefined ? '-' : value.toFixed(digits);

/** "≤ 16: yes", "≤ 16: no". */
export const verdict = (value: number | undefined, wanted: number): string =>
  value === undefined ? `≤ ${wanted}: not measured` : `≤ ${wanted}: ${value <= wanted ? 'yes' : 'no'}`;

export const MIB = 1024 * 1024;
