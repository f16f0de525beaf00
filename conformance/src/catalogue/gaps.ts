/** What the OMA test specification has no case for. */
import type { Case } from '../catalogue.ts';

export const GAPS: readonly Case[] = [];
