/** What axe-core finds wrong with a page, as far as it keeps people out. */
import type { Page } from 'playwright-core';

/**
 * @param axe  the text of axe.min.js.
 * @param part  a CSS selector.
 */
export async function seriousViolations(page: Page, axe: string, part: string): Promise<readonly string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate<AxeResults>(`axe.run('${part}')`);
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' … ')}`);
}

/** What is used of axe-core's answer. */
interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: 'minor' | 'moderate' | 'serious' | 'critical' | null;
    readonly help: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}
