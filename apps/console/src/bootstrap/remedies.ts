/** What can be done at once about a device that was refused. */
import type { RefusedRequest } from '../api/bootstrap-shapes.ts';
import type { RefusedHandshake } from '../api/shapes.ts';

export type Remedy =
  /** Give it a configuration of its own. */
  | { readonly kind: 'configuration'; readonly device: string }
  /** Change the one it has. */
  | { readonly kind: 'change'; readonly device: string }
  /** Let it prove itself. */
  | { readonly kind: 'credential'; readonly device: string; readonly identity?: string };

export const remedyOfRequest = ({ device, kind }: RefusedRequest): Remedy | undefined => {
  if (device === null || device === '') return undefined;
  switch (kind) {
    case 'unknown-endpoint':
      return { kind: 'configuration', device };
    case 'identity':
      return { kind: 'credential', device };
    case 'no-packs':
    case 'unusable':
      return { kind: 'change', device };
    // The device itself, or the load, has to change.
    case 'malformed':
    case 'content-format':
    case 'overloaded':
      return undefined;
  }
};

/** A name that nobody knows can be given a key; a wrong key of a known name is a matter for the device too. */
export const remedyOfHandshake = ({ reason, claimedIdentity }: RefusedHandshake): Remedy | undefined =>
  claimedIdentity !== null && claimedIdentity !== '' && (reason === 'unknown-identity' || reason === 'wrong-key')
    ? { kind: 'credential', device: claimedIdentity, identity: claimedIdentity }
    : undefined;
