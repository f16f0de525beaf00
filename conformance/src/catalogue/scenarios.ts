/** Behaviour that integration tests of other implementations are about, in our own words. */
import type { Case } from '../catalogue.ts';

export const SCENARIOS: readonly Case[] = [];
