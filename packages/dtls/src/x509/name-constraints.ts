/**
 * Which names the certificates below an authority may have. RFC 5280 §4.2.1.10. Enforced for DNS names, IP addresses
 * and directory names; where an authority constrains another form and a certificate below has a name of that form, it is
 * refused, as the section demands of whoever does not process it.
 */
import type { CertificateExtensions, NameConstraints } from './certificate-extensions.ts';
import type { Certificate } from './certificate.ts';
import { formatName, hasEmailAddress, isWithin } from './distinguished-name.ts';
import type { GeneralName } from './general-name.ts';
import { formatIpAddress } from './ip-address.ts';
import { dnsName, presentedDnsNames } from './server-name.ts';

/**
 * Whether a Common Name that stands in for a DNS name is bound like one: of a server always, of a client only where it
 * looks like one, because `sensor-4` is an endpoint name, and of an authority never.
 */
export type CommonNameRule = 'always' | 'with-dot' | 'never';

/** The first name that is not allowed, for people; undefined when all are. */
export function nameOutside(
  certificate: Certificate,
  constraints: NameConstraints,
  commonNameRule: CommonNameRule,
): string | undefined {
  const name = constrainedNames(certificate, commonNameRule).find((each) => !isAllowed(each, constraints));
  return name === undefined ? undefined : describe(name);
}

/** Every name of the certificate, those of its subject included. */
function constrainedNames(certificate: Certificate, commonNameRule: CommonNameRule): readonly GeneralName[] {
  const names: GeneralName[] = [...(certificate.subjectAltName ?? [])];
  const { subject } = certificate;
  if (subject.relativeNames.length > 0) names.push({ kind: 'directory', name: subject });
  if (hasEmailAddress(subject)) names.push({ kind: 'email', text: formatName(subject) });
  if (commonNameRule !== 'never' && !hasDnsName(certificate)) {
    for (const text of presentedDnsNames(certificate)) {
      if (commonNameRule === 'always' || text.includes('.')) names.push({ kind: 'dns', text });
    }
  }
  return names;
}

const hasDnsName = ({ subjectAltName }: CertificateExtensions): boolean =>
  subjectAltName?.some(({ kind }) => kind === 'dns') ?? false;

function isAllowed(name: GeneralName, { permitted, excluded }: NameConstraints): boolean {
  const isOfSameForm = (base: GeneralName): boolean => base.kind === name.kind;
  const permittedHere = permitted.filter(isOfSameForm);
  const excludedHere = excluded.filter(isOfSameForm);
  if (permittedHere.length === 0 && excludedHere.length === 0) return true;
  // Inside of neither is what makes a name of a form we do not process refused, whichever list constrains it.
  if (name.kind === 'email' || name.kind === 'uri' || name.kind === 'other') return false;
  return (
    (permittedHere.length === 0 || permittedHere.some((base) => isInside(name, base))) &&
    !excludedHere.some((base) => overlaps(name, base))
  );
}

/** Everything that `name` stands for is in the subtree of `base`. */
function isInside(name: GeneralName, base: GeneralName): boolean {
  if (name.kind === 'dns' && base.kind === 'dns') {
    // `*.example.com` stands for names below example.com only.
    const text = dnsName(name.text.replace(/^\*\./, ''));
    if (text === undefined) return false;
    if (base.text === '') return true;
    const belowOnly = base.text.startsWith('.');
    const parent = base.text.slice(belowOnly ? 1 : 0).toLowerCase();
    const isWildcard = name.text.startsWith('*.');
    return text.endsWith(`.${parent}`) || (text === parent && (!belowOnly || isWildcard));
  }
  if (name.kind === 'ip' && base.kind === 'ip') {
    const { length } = name.bytes;
    return (
      base.bytes.length === 2 * length &&
      name.bytes.every((byte, index) => ((byte ^ base.bytes[index]!) & base.bytes[length + index]!) === 0)
    );
  }
  return name.kind === 'directory' && base.kind === 'directory' && isWithin(name.name, base.name);
}

/** Something that `name` stands for is in the subtree of `base`. Unreadable names overlap with everything. */
function overlaps(name: GeneralName, base: GeneralName): boolean {
  if (isInside(name, base)) return true;
  if (name.kind !== 'dns' || base.kind !== 'dns') return false;
  const text = dnsName(name.text.replace(/^\*\./, ''));
  if (text === undefined) return true;
  // `*.example.com` stands for a.example.com too.
  const parent = base.text.replace(/^\./, '').toLowerCase();
  const dot = parent.indexOf('.');
  return name.text.startsWith('*.') && dot > 0 && parent.slice(dot + 1) === text;
}

function describe(name: GeneralName): string {
  switch (name.kind) {
    case 'dns':
    case 'uri':
    case 'email':
      return name.text;
    case 'ip':
      return formatIpAddress(name.bytes);
    case 'directory':
      return formatName(name.name);
    case 'other':
      return 'a name of an unknown form';
  }
}
