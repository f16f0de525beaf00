/**
 * The parameters of a CoAP endpoint and their defaults. RFC 7252 §4.8 and the bounds of this implementation.
 */
import type { CoapParameters } from './endpoint.ts';
import { UsageError } from './errors.ts';

export const DEFAULT_COAP_PARAMETERS: CoapParameters = Object.freeze({
  ackTimeout: 2_000,
  ackRandomFactor: 1.5,
  maxRetransmit: 4,
  nstart: 1,
  ackDelay: 500,
  separateResponseTimeout: 93_000,
  exchangeLifetime: 247_000,
  nonLifetime: 145_000,
  recentMessageBytes: 64 * 1024 * 1024,
  blockBytes: 1024,
  maxBodyBytes: 1024 * 1024,
  maxTotalBodyBytes: 64 * 1024 * 1024,
  maxRelationsPerPeer: 256,
  maxQueuedPerPeer: 1024,
  maxTransfersPerPeer: 16,
  maxUnansweredRequests: 65_536,
  confirmableNotificationInterval: 24 * 60 * 60 * 1000,
  streamedRequest: () => false,
  trace: false,
});

/**
 * The given parameters over the defaults.
 *
 * @throws UsageError if one is out of its range.
 */
export function resolveParameters(parameters: Partial<CoapParameters>): CoapParameters {
  const resolved: CoapParameters = { ...DEFAULT_COAP_PARAMETERS, ...parameters };
  for (const [name, minimum] of MINIMA) {
    const value = resolved[name];
    if (!(value >= minimum)) throw new UsageError(`${name} is at least ${minimum}, not ${value}`);
  }
  const { blockBytes } = resolved;
  if (blockBytes > 1024 || (blockBytes & (blockBytes - 1)) !== 0) {
    throw new UsageError(`blockBytes is a power of two from 16 to 1024, not ${blockBytes}`);
  }
  return Object.freeze(resolved);
}

type NumericParameter = {
  [Name in keyof CoapParameters]: CoapParameters[Name] extends number ? Name : never;
}[keyof CoapParameters];

const MINIMA: readonly (readonly [NumericParameter, number])[] = [
  ['ackTimeout', 1],
  ['ackRandomFactor', 1],
  ['maxRetransmit', 0],
  ['nstart', 1],
  ['ackDelay', 0],
  ['separateResponseTimeout', 1],
  ['exchangeLifetime', 0],
  ['nonLifetime', 0],
  ['recentMessageBytes', 16_384],
  ['blockBytes', 16],
  ['maxBodyBytes', 0],
  ['maxTotalBodyBytes', 0],
  ['maxRelationsPerPeer', 0],
  ['maxQueuedPerPeer', 1],
  ['maxTransfersPerPeer', 1],
  ['maxUnansweredRequests', 1],
  ['confirmableNotificationInterval', 0],
];
