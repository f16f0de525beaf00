import assert from 'node:assert/strict';
import { it } from 'node:test';
import { countersOf, type CountingDriver } from './counters.ts';

it('adds up the sockets, and tells what DTLS dropped and refused by its reason', () => {
  const coap = { malformed: { 'too-short': 2 }, retransmissions: 1 };
  const dtls = { recordsReceived: 3, dropped: { forged: 4 }, handshakesRefused: { 'wrong-key': 5 }, closed: {} };
  const drivers = [
    { counters: { datagramsReceived: 10 }, endpoint: { counters: coap } },
    { counters: { datagramsReceived: 20 }, endpoint: { counters: { ...coap, malformed: {} } }, dtlsCounters: dtls },
  ];
  assert.deepEqual(countersOf(drivers as unknown as readonly CountingDriver[]), {
    malformed: 2,
    malformedTooShort: 2,
    retransmissions: 2,
    datagramsReceived: 30,
    dtlsRecordsReceived: 3,
    dtlsDroppedForged: 4,
    dtlsHandshakesRefusedWrongKey: 5,
  });
});
