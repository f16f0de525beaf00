/** What the sockets, DTLS and CoAP count, as one flat table of names and numbers: how an operator sees what strangers send. */
import type { LwM2mBootstrapServer } from '@lapwing/bootstrap-server';
import type { CoapCounters } from '@lapwing/coap';
import type { DtlsCounters } from '@lapwing/dtls';

/** The part of a driver that counts. */
export interface CountingDriver {
  readonly counters: object;
  readonly endpoint: { readonly counters: CoapCounters };
  readonly dtlsCounters?: DtlsCounters;
}

/** Summed over all sockets. A malformed datagram counts in `malformed` and in its reason, as `malformedTooShort`. */
export function countersOf(drivers: readonly CountingDriver[]): Record<string, number> {
  const sums: Record<string, number> = { malformed: 0 };
  const add = (name: string, value: number): void => void (sums[name] = (sums[name] ?? 0) + value);
  for (const { counters, endpoint, dtlsCounters } of drivers) {
    if (dtlsCounters !== undefined) addDtls(dtlsCounters, add);
    const { malformed, ...coap } = endpoint.counters;
    // Both count datagrams; the transport also sees those that reach no endpoint.
    for (const [name, value] of Object.entries<number>({ ...coap, ...counters })) add(name, value);
    for (const [reason, value] of Object.entries(malformed)) {
      add('malformed', value);
      add(`malformed${camelCase(reason)}`, value);
    }
  }
  return sums;
}

/** With "dtls" before each name: `dtlsHandshakesCompleted`, `dtlsDroppedForged`, `dtlsHandshakesRefusedWrongKey`. */
function addDtls(counters: DtlsCounters, add: (name: string, value: number) => void): void {
  for (const [name, value] of Object.entries(counters) as [string, number | Readonly<Record<string, number>>][]) {
    const full = `dtls${capital(name)}`;
    if (typeof value === 'number') add(full, value);
    else for (const [reason, count] of Object.entries(value)) add(`${full}${camelCase(reason)}`, count);
  }
}

/** How sessions of the Bootstrap-Server began and ended (`endedOperationRefused`), and what its sockets count. */
export function bootstrapCountersOf(
  { counters: { ended, ...counters } }: Pick<LwM2mBootstrapServer, 'counters'>,
  drivers: readonly CountingDriver[],
): Record<string, number> {
  const outcomes = Object.entries<number>(ended).map(([kind, count]) => [`ended${camelCase(kind)}`, count]);
  return { ...counters, ...(Object.fromEntries(outcomes) as Record<string, number>), ...countersOf(drivers) };
}

const capital = (name: string): string => name.slice(0, 1).toUpperCase() + name.slice(1);

/** "too-short" is "TooShort". */
const camelCase = (reason: string): string =>
  reason.replaceAll(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase());
