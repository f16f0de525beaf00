/** Is this certificate for the server we meant to reach? RFC 6125 §6, RFC 7925 §4.4.1. */
import type { Certificate } from './certificate.ts';
import { isSameBytes } from './distinguished-name.ts';
import type { GeneralName } from './general-name.ts';
import { formatIpAddress, parseIpAddress } from './ip-address.ts';

const MAX_DNS_NAME_CHARACTERS = 253;

/** @param serverName  a DNS name (A-labels, if international) or an IP address. */
export function isForServer(certificate: Certificate, serverName: string): boolean {
  const address = parseIpAddress(serverName);
  const names = certificate.subjectAltName ?? [];
  if (address !== undefined) return names.some((name) => name.kind === 'ip' && isSameBytes(name.bytes, address));
  const reference = dnsName(serverName.endsWith('.') ? serverName.slice(0, -1) : serverName);
  if (reference === undefined) return false;
  return presentedDnsNames(certificate).some((presented) => matchesDnsName(presented, reference));
}

/** Names a server certificate stands for, for people. */
export function describeServerNames(certificate: Certificate): string {
  const names = [...presentedDnsNames(certificate), ...alternativeNameTexts(certificate.subjectAltName, ['ip'])];
  const shown = names.slice(0, 4).join(', ');
  return names.length === 0 ? 'no name at all' : names.length > 4 ? `${shown} and ${names.length - 4} more` : shown;
}

/** dNSName, uniformResourceIdentifier and iPAddress as text. */
export function alternativeNameTexts(
  names: readonly GeneralName[] | undefined,
  kinds: readonly GeneralName['kind'][] = ['dns', 'uri', 'ip'],
): readonly string[] {
  return (names ?? []).flatMap((name) => {
    if (!kinds.includes(name.kind)) return [];
    return name.kind === 'dns' || name.kind === 'uri'
      ? [name.text]
      : name.kind === 'ip'
        ? [formatIpAddress(name.bytes)]
        : [];
  });
}

/**
 * The Common Name stands in only where subjectAltName names no server in any form, one we cannot read among them: else
 * a certificate for one service would pass for another. RFC 6125 §6.4.4.
 */
export function presentedDnsNames(certificate: Certificate): readonly string[] {
  const names = certificate.subjectAltName ?? [];
  if (names.some(({ kind }) => kind !== 'email' && kind !== 'directory')) return alternativeNameTexts(names, ['dns']);
  const { commonName } = certificate.subject;
  return commonName !== undefined && dnsName(commonName.replace(/^\*\./, '')) !== undefined ? [commonName] : [];
}

/** Lower case; undefined for what is no DNS name. An IP address is none, whatever its form. */
export function dnsName(text: string): string | undefined {
  if (text.length === 0 || text.length > MAX_DNS_NAME_CHARACTERS || parseIpAddress(text) !== undefined)
    return undefined;
  return /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/i.test(text) ? text.toLowerCase() : undefined;
}

/** A wildcard is the whole left-most label, stands for exactly one label, and has at least two behind it. §6.4.3. */
function matchesDnsName(presented: string, reference: string): boolean {
  if (!presented.startsWith('*.')) return dnsName(presented) === reference;
  const parent = dnsName(presented.slice(2));
  const dot = reference.indexOf('.');
  return parent !== undefined && parent.includes('.') && dot > 0 && reference.slice(dot + 1) === parent;
}
