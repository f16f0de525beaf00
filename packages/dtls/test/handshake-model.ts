/**
 * The specification models of `models/` as an oracle: a nondeterministic automaton over what is sent (`!FINISHED`) and
 * received (`?FINISHED`).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export class HandshakeModel {
  readonly start: string;
  readonly #edges: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

  /** @param further edges that the file does not have: `from -> to [label="?LABEL"]`. */
  constructor(name: string, further: readonly string[] = []) {
    const text = readFileSync(join(import.meta.dirname, 'models', `${name}.dot`), 'utf8') + further.join('\n');
    const edges = new Map<string, Map<string, string[]>>();
    for (const [, from, to, label] of text.matchAll(/(\w+)\s*->\s*(\w+)\s*\[label="([^"]+)"\]/g)) {
      const ofState = edges.get(from!) ?? new Map<string, string[]>();
      ofState.set(label!, [...(ofState.get(label!) ?? []), to!]);
      edges.set(from!, ofState);
    }
    this.#edges = edges;
    this.start = /(\w+)\s*\[color="red"\]/.exec(text)![1]!;
  }

  after(state: string, label: string): readonly string[] {
    return this.#edges.get(state)?.get(label) ?? [];
  }

  labelsOf(state: string): readonly string[] {
    return [...(this.#edges.get(state)?.keys() ?? [])];
  }
}

/** One run through a model: every state it may be in. */
export class ModelRun {
  readonly model: HandshakeModel;
  #states: readonly string[];

  constructor(model: HandshakeModel) {
    this.model = model;
    this.#states = [model.start];
  }

  get states(): readonly string[] {
    return this.#states;
  }

  get isConnected(): boolean {
    return this.#states.includes('connected');
  }

  /** Whether it may stay where it is until something is received. */
  get isQuiet(): boolean {
    return this.isConnected || this.#states.some((state) => this.#waits(state));
  }

  accepts(label: string): boolean {
    return this.#states.some((state) => this.model.after(state, label).length > 0);
  }

  /** False, and nothing changed, when the model has no such step. */
  observe(label: string): boolean {
    const next = new Set(this.#states.flatMap((state) => this.model.after(state, label)));
    if (next.size === 0) return false;
    this.#states = [...next];
    return true;
  }

  /** Nothing to send but what leads nowhere: a retransmission. */
  #waits(state: string): boolean {
    const { model } = this;
    return model
      .labelsOf(state)
      .every((label) => label.startsWith('?') || model.after(state, label).every((to) => to === state));
  }
}
