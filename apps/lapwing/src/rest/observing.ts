/** What Observe and Observe-Composite over REST have in common: attributes for one observation. OMA TS Core 1.2 §6.4. */
import { UsageError } from '@lapwing/coap';
import { formatAttributeQueries, type NotificationAttributes } from '@lapwing/lwm2m';
import type { Observation, Outcome } from '@lapwing/server';
import { badRequest } from './problem.ts';
import { sentence } from './sentence.ts';

/** With other attributes it is another observation, and none are as good as left out. */
export const sameAttributes = (a: NotificationAttributes = {}, b: NotificationAttributes = {}): boolean =>
  formatAttributeQueries(a).join() === formatAttributeQueries(b).join();

/**
 * The outcome of `observe`, which is told the attributes in the options it spreads.
 *
 * @throws Problem 400 that names the attributes when they are wrong or the device is too old for them.
 */
export async function observing(
  attributes: NotificationAttributes | undefined,
  observe: (options: { readonly attributes?: NotificationAttributes }) => Promise<Outcome<Observation>>,
): Promise<Outcome<Observation>> {
  if (attributes === undefined) return observe({});
  try {
    return await observe({ attributes });
  } catch (error) {
    throw error instanceof UsageError ? badRequest(sentence(error.message), '/attributes') : error;
  }
}
