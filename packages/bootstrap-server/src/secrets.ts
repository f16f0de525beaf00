/** Which Resources hold secrets: they are in no message, preview, event or log. OMA TS Core, Appendix E. */
import type { Path } from '@lapwing/lwm2m';

const SECRETS: ReadonlyMap<number, ReadonlySet<number>> = new Map([
  // Security: Secret Key, SMS Binding Key Parameters and Secret Keys.
  [0, new Set([5, 7, 8])],
  // OSCORE: Master Secret and Salt.
  [21, new Set([0, 5])],
  // COSE: Key.
  [23, new Set([2])],
  // MQTT Server: Password.
  [24, new Set([8])],
]);

export const isSecret = (path: Path): boolean =>
  (path.kind === 'resource' || path.kind === 'resourceInstance') &&
  SECRETS.get(path.objectId)?.has(path.resourceId) === true;
