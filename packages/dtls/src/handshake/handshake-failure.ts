/**
 * The sentences and alerts of handshakes that fail: what was offered against what is supported, and what to do.
 */
import type { AlertDescription } from '../alert-table.ts';
import { cipherSuiteByNumber } from '../cipher-suite-table.ts';
import type { CipherSuiteName } from '../cipher-suite-table.ts';
import type { GroupName } from '../crypto.ts';
import { EMPTY_RENEGOTIATION_INFO_SCSV, FALLBACK_SCSV } from '../extension-table.ts';
import type { Malformed } from '../malformed.ts';
import type { RefusalReason } from '../refusal.ts';
import { namesOf } from './expected-messages.ts';
import type { Expected } from './expected-messages.ts';
import type { HandshakeFailure } from './handshake.ts';
import { handshakeTypeName } from './handshake-type-table.ts';

/** A list of a stranger's choosing is shortened to this many. */
const MAX_LISTED = 8;

export function failure(reason: RefusalReason, alert: AlertDescription, text: string): HandshakeFailure {
  return { reason, alert, text };
}

export function isFailure(value: object): value is HandshakeFailure {
  return 'reason' in value && 'alert' in value;
}

export function unexpectedMessage(peer: 'client' | 'server', type: number, expected: Expected): HandshakeFailure {
  return failure(
    'unexpected-message',
    'unexpected_message',
    `the ${peer} sent ${handshakeTypeName(type)} where ${listed(namesOf(expected), 'or')} was due`,
  );
}

export function malformedMessage(peer: 'client' | 'server', problem: Malformed): HandshakeFailure {
  return failure('malformed-message', 'decode_error', `the ${peer} sent a malformed message: ${problem.malformed}`);
}

export function lookupFailed(text: string): HandshakeFailure {
  return failure('lookup-failed', 'internal_error', `the client's credentials could not be looked up: ${text}`);
}

export function unknownIdentity(identity: string): HandshakeFailure {
  return failure(
    'unknown-identity',
    'unknown_psk_identity',
    `nobody is known by the pre-shared key identity '${identity}': add it to the server, or correct it on the client`,
  );
}

/** Its private key is proven, its certificate valid, and still it is nobody's. */
export function unknownClient(kind: 'rpk' | 'x509', claimedIdentity: string): HandshakeFailure {
  return kind === 'rpk'
    ? failure(
        'unknown-public-key',
        'certificate_unknown',
        `nobody is known by the ${claimedIdentity}: add it to the server`,
      )
    : failure(
        'certificate',
        'access_denied',
        `the certificate of '${claimedIdentity}' is valid and nobody is known by it: add it to the server`,
      );
}

export function badPoint(peer: 'client' | 'server', group: GroupName): HandshakeFailure {
  return failure(
    'bad-key-exchange',
    'illegal_parameter',
    `the ${peer} sent a public key for the key exchange that is none of the group ${group}`,
  );
}

export function wrongFinished(peer: 'client' | 'server'): HandshakeFailure {
  return failure(
    'bad-key-exchange',
    'decrypt_error',
    `the ${peer}'s Finished does not fit the messages received: they were changed on the way, or it computes it in another way`,
  );
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(names: readonly string[], conjunction: 'and' | 'or' = 'and'): string {
  if (names.length === 0) return 'nothing';
  if (names.length === 1) return names[0]!;
  return `${names.slice(0, -1).join(', ')} ${conjunction} ${names.at(-1)!}`;
}

function shortened(names: readonly string[]): string {
  if (names.length <= MAX_LISTED) return listed(names);
  return listed([...names.slice(0, MAX_LISTED), `${names.length - MAX_LISTED} more`]);
}

/** Names of the suites that are in the table, numbers of the others; without the signalling ones. */
export function cipherSuitesText(numbers: readonly number[]): string {
  const suites = numbers.filter((number) => number !== EMPTY_RENEGOTIATION_INFO_SCSV && number !== FALLBACK_SCSV);
  return shortened(suites.map((number) => cipherSuiteByNumber(number)?.name ?? hexNumber(number)));
}

export function namesText(names: readonly CipherSuiteName[]): string {
  return shortened(names);
}

export function numbersText(numbers: readonly number[], nameOf: (number: number) => string | undefined): string {
  return shortened(numbers.map((number) => nameOf(number) ?? hexNumber(number)));
}

function hexNumber(number: number): string {
  return `0x${number.toString(16).padStart(4, '0')}`;
}
