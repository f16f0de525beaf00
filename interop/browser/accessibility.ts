/** What axe-core finds wrong with a page, as far as it keeps people out. */
import type { Page } from 'playwright-core';

/**
 * @param axe  the text of axe.min.js.
 * @param part  a CSS selector.
 */
export async function seriousViolations(page: Page, axe: string, part: string): Promise<readonly string[]> {
  await page.evaluate(SETTLED);
  await page.evaluate(axe);
  const { violations } = await page.evaluate<AxeResults>(`axe.run('${part}')`);
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' … ')}`);
}

/** What fades in has less contrast than it is going to have. A loader turns for ever and is not waited for. */
const SETTLED = `(async () => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  await frame();
  await frame();
  const ending = document.getAnimations().filter((each) => each.effect?.getComputedTiming().endTime !== Infinity);
  await Promise.allSettled(ending.map((each) => each.finished));
})()`;

/** What is used of axe-core's answer. */
interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: 'minor' | 'moderate' | 'serious' | 'critical' | null;
    readonly help: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}
