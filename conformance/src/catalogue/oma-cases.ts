/**
 * The cases of the OMA Enabler Test Specification for LwM2M: "ETS INT" 1.0.1 (2017-08-30), 1.2 (2023-10-03) and 1.2.1
 * (2024-03-12), ids and titles.
 *
 * A case keeps the id of the release that brought it: a run for 1.2 has the ids of 1.1, and a case that was there in 1.0
 * has an id of its own there, with the same number.
 */
import type { LwM2mVersion } from '@lapwing/lwm2m';
import type { Case, Chapter, Standing } from '../catalogue.ts';

const SINCE_1_0: readonly LwM2mVersion[] = ['1.0', '1.1', '1.2'];
const SINCE_1_1: readonly LwM2mVersion[] = ['1.1', '1.2'];
const SINCE_1_2: readonly LwM2mVersion[] = ['1.2'];

type Row = readonly [number: string, title: string, versions: readonly LwM2mVersion[], standing: Standing | string];

/** A standing that is text is the file of the test, without the folder and the ending. */
function cases(rows: readonly Row[]): readonly Case[] {
  return rows.map(([number, title, versions, standing]) => ({
    id: idOf(number, versions),
    title,
    versions,
    standing: typeof standing === 'string' ? { kind: 'tested', file: `oma/${standing}.test.ts` } : standing,
  }));
}

/** "101" is LightweightM2M-1.1-int-101, "CONMGMT-1.1-int-1250" is itself. */
const idOf = (number: string, versions: readonly LwM2mVersion[]): string =>
  number.includes('-') ? number : `LightweightM2M-${versions === SINCE_1_2 ? '1.2' : '1.1'}-int-${number}`;

const open = (why: string): Standing => ({ kind: 'open', why });
const nothing = (why: string): Standing => ({ kind: 'void', why });
const same = (number: string): Standing => ({ kind: 'same', as: idOf(number, SINCE_1_1) });

const EMPTY = nothing('the specification has a heading and no procedure');
const NOT_WRITABLE = nothing('the specification says that the Object has no Resource to write');
const TCP = open('CoAP over TCP and TLS');

export const OMA_CASES: readonly Chapter[] = [
  {
    title: 'OMA: Bootstrap',
    source: 'OMA ETS INT, 0 to 99.',
    cases: cases([
      ['0', 'Client-initiated bootstrap', SINCE_1_0, 'bootstrap'],
      ['1', 'Client-initiated bootstrap, pre-shared key', SINCE_1_1, 'bootstrap'],
      ['2', 'Client-initiated bootstrap, certificate', SINCE_1_1, 'bootstrap'],
      ['3', 'Bootstrap from a smartcard', SINCE_1_1, 'bootstrap-ways'],
      ['4', 'Bootstrap-Delete', SINCE_1_1, 'bootstrap'],
      ['5', 'Server-initiated bootstrap', SINCE_1_1, 'bootstrap-ways'],
      ['6', 'Order of the ways to bootstrap', SINCE_1_1, 'bootstrap-ways'],
      ['7', 'Bootstrap when no server can be reached', SINCE_1_1, 'bootstrap-ways'],
      ['8', 'Bootstrap-Read', SINCE_1_1, 'bootstrap'],
      ['9', 'Bootstrap-Finish with an inconsistent configuration', SINCE_1_1, 'bootstrap'],
      ['10', 'Client-initiated bootstrap, EST', SINCE_1_1, open('EST')],
      ['11', 'Bootstrap over OSCORE', SINCE_1_2, open('OSCORE')],
      ['12', 'Bootstrap-Pack-Request', SINCE_1_2, 'bootstrap'],
      ['19', 'Bootstrap over MQTT', SINCE_1_2, open('MQTT')],
    ]),
  },
  {
    title: 'OMA: Registration',
    source: 'OMA ETS INT, 100 to 199.',
    cases: cases([
      ['101', 'Initial registration', SINCE_1_0, 'registration'],
      ['102', 'Registration update', SINCE_1_0, 'registration'],
      ['103', 'De-registration', SINCE_1_0, 'registration'],
      ['104', 'Registration update trigger', SINCE_1_0, 'registration'],
      ['105', 'Discarded registration update', SINCE_1_1, 'registration'],
      ['106', 'Registration with TCP binding', SINCE_1_1, TCP],
      ['107', 'Extended lifetime', SINCE_1_1, 'registration'],
      ['108', 'Turn on queue mode', SINCE_1_1, 'registration'],
      ['109', 'Behaviour in queue mode', SINCE_1_1, 'registration'],
      ['110', 'Registration with a Profile ID', SINCE_1_2, 'registration'],
      ['111', 'Registration with a Profile ID and a list', SINCE_1_2, 'registration'],
    ]),
  },
  {
    title: 'OMA: Device Management and Service Enablement',
    source: 'OMA ETS INT, 200 to 299.',
    cases: cases([
      ['201', 'Read, plain text', SINCE_1_0, 'read'],
      ['202', 'Read, opaque', SINCE_1_0, EMPTY],
      ['203', 'Read, TLV', SINCE_1_0, 'read'],
      ['204', 'Read, LwM2M JSON', SINCE_1_0, 'read'],
      ['205', 'Write, plain text', SINCE_1_0, 'write'],
      ['210', 'Write, opaque', SINCE_1_0, EMPTY],
      ['211', 'Read, CBOR', SINCE_1_1, 'read'],
      ['212', 'Write, CBOR', SINCE_1_1, 'write'],
      ['215', 'Write, TLV', SINCE_1_0, 'write'],
      ['220', 'Write, LwM2M JSON', SINCE_1_0, 'write'],
      ['221', 'Operations on the Security Object', SINCE_1_1, 'read'],
      ['222', 'Read an Object', SINCE_1_1, 'read'],
      ['223', 'Read an Object Instance', SINCE_1_1, 'read'],
      ['224', 'Read a Resource', SINCE_1_1, 'read'],
      ['225', 'Read a Resource Instance', SINCE_1_1, 'read'],
      ['226', 'Write (Partial Update) of an Object Instance', SINCE_1_1, 'write'],
      ['227', 'Write (Replace) of a Resource', SINCE_1_1, 'write'],
      ['228', 'Write of a Resource Instance', SINCE_1_1, 'write'],
      ['229', 'Read-Composite', SINCE_1_1, nothing('taken back in 1.2.1 in favour of 280')],
      ['230', 'Write-Composite', SINCE_1_1, 'composite'],
      ['231', 'Read, SenML JSON', SINCE_1_1, 'read'],
      ['232', 'Read, SenML CBOR', SINCE_1_1, 'read'],
      ['233', 'Write, SenML CBOR', SINCE_1_1, 'write'],
      ['234', 'Write, SenML JSON', SINCE_1_1, 'write'],
      ['235', 'Read-Composite of the root', SINCE_1_1, 'composite'],
      ['236', 'Read-Composite with partial presence', SINCE_1_1, 'composite'],
      ['237', 'Read without Accept', SINCE_1_1, 'read'],
      ['241', 'Reboot', SINCE_1_0, 'device'],
      ['256', 'Write that fails', SINCE_1_1, 'write'],
      ['257', 'Write-Composite to Server and Device', SINCE_1_1, 'composite'],
      ['260', 'Discover', SINCE_1_0, 'attributes'],
      ['261', 'Write-Attributes of a Resource with instances', SINCE_1_1, 'attributes'],
      ['264', 'Discover to depth 1', SINCE_1_2, 'attributes'],
      ['266', 'Discover to depth 3', SINCE_1_2, 'attributes'],
      ['270', 'Create an Object Instance', SINCE_1_0, same('1630')],
      ['271', 'Create an Object Instance with multiple-instance Resources', SINCE_1_0, EMPTY],
      ['280', 'Read-Composite that succeeds', SINCE_1_1, 'composite'],
      ['281', 'Read-Composite that succeeds in part', SINCE_1_1, 'composite'],
      ['290', 'Delete an Object Instance', SINCE_1_0, same('1635')],
    ]),
  },
  {
    title: 'OMA: Information Reporting',
    source: 'OMA ETS INT, 300 to 399.',
    cases: cases([
      ['301', 'Observe and Notify', SINCE_1_0, 'reporting'],
      ['302', 'Cancel an observation with Reset', SINCE_1_0, 'reporting'],
      ['303', 'Cancel an observation with Observe 1', SINCE_1_0, 'reporting'],
      ['304', 'Observe-Composite', SINCE_1_1, 'reporting-composite'],
      ['305', 'Cancel an Observe-Composite', SINCE_1_1, 'reporting-composite'],
      ['306', 'Send', SINCE_1_1, 'send'],
      ['307', 'Mute Send', SINCE_1_1, 'send'],
      ['308', 'Observe-Composite and a created Object Instance', SINCE_1_1, 'reporting-composite'],
      ['309', 'Observe-Composite and a deleted Object Instance', SINCE_1_1, 'reporting-composite'],
      ['310', 'Observe-Composite and a change of attributes', SINCE_1_1, 'reporting-composite'],
      ['311', 'Send of several values', SINCE_1_1, 'send'],
      ['312', 'Observe with attributes as parameters', SINCE_1_2, 'reporting'],
      ['313', 'Parameters of Observe go before attached attributes', SINCE_1_2, 'reporting'],
    ]),
  },
  {
    title: 'OMA: Security',
    source: 'OMA ETS INT, 400 to 499.',
    cases: cases([
      ['401', 'DTLS with a pre-shared key', SINCE_1_0, 'security'],
      ['402', 'DTLS with certificates', SINCE_1_1, 'security'],
      ['403', 'Certificate of another name', SINCE_1_1, 'security'],
      ['404', 'TLS over TCP with certificates', SINCE_1_1, TCP],
      ['405', 'OSCORE', SINCE_1_1, open('OSCORE')],
      ['406', 'TLS over TCP with a pre-shared key', SINCE_1_1, TCP],
    ]),
  },
  {
    title: 'OMA: core Objects',
    source: 'OMA ETS INT, 550 to 949.',
    cases: cases([
      ['551', 'Server: access to Resources', SINCE_1_0, same('215')],
      ['555', 'Server: Disable', SINCE_1_0, EMPTY],
      ['556', 'Server: update of the registration', SINCE_1_0, same('104')],
      ['560', 'Server: reporting while disabled', SINCE_1_0, EMPTY],
      ['565', 'Server: create an Object Instance', SINCE_1_0, EMPTY],
      ['566', 'Server: delete an Object Instance', SINCE_1_0, EMPTY],
      ['651', 'Device: write', SINCE_1_0, 'device'],
      ['652', 'Device: firmware version', SINCE_1_0, 'device'],
      ['655', 'Device: reboot', SINCE_1_0, same('241')],
      ['656', 'Device: factory reset', SINCE_1_0, EMPTY],
      ['657', 'Device: error code', SINCE_1_0, EMPTY],
      ['660', 'Device: observe', SINCE_1_0, same('301')],
      ['661', 'Device: observe, extended', SINCE_1_0, EMPTY],
      ['670', 'Device: create a Resource Instance', SINCE_1_0, EMPTY],
      ['680', 'Device: Create is refused', SINCE_1_0, 'device'],
      ['685', 'Device: Delete is refused', SINCE_1_0, 'device'],
      ['701', 'Connectivity Monitoring: read', SINCE_1_0, 'connectivity'],
      ['705', 'Connectivity Monitoring: write', SINCE_1_0, NOT_WRITABLE],
      ['710', 'Connectivity Monitoring: observe', SINCE_1_0, 'connectivity'],
      ['711', 'Connectivity Monitoring: observe, extended', SINCE_1_0, EMPTY],
      ['720', 'Connectivity Monitoring: Execute', SINCE_1_0, EMPTY],
      ['730', 'Connectivity Monitoring: Create', SINCE_1_0, EMPTY],
      ['735', 'Connectivity Monitoring: Delete', SINCE_1_0, EMPTY],
      ['751', 'Firmware Update: read', SINCE_1_0, 'firmware'],
      ['755', 'Firmware Update: write Package', SINCE_1_0, 'firmware'],
      ['756', 'Firmware Update: write Package URI', SINCE_1_0, 'firmware'],
      ['760', 'Firmware Update: observe State', SINCE_1_0, 'firmware'],
      ['770', 'Firmware Update: push over CoAP', SINCE_1_0, 'firmware'],
      ['771', 'Firmware Update: pull from a URI', SINCE_1_0, 'firmware'],
      ['772', 'Firmware Update: no package', SINCE_1_0, 'firmware'],
      ['773', 'Firmware Update: not enough storage', SINCE_1_0, 'firmware'],
      ['774', 'Firmware Update: out of memory', SINCE_1_0, 'firmware'],
      ['775', 'Firmware Update: connection lost', SINCE_1_0, 'firmware'],
      ['776', 'Firmware Update: integrity check failed', SINCE_1_0, 'firmware'],
      ['777', 'Firmware Update: unsupported package', SINCE_1_0, 'firmware'],
      ['778', 'Firmware Update: invalid URI', SINCE_1_0, 'firmware'],
      ['779', 'Firmware Update: installation failed', SINCE_1_0, 'firmware'],
      ['780', 'Firmware Update: unsupported protocol', SINCE_1_0, EMPTY],
      ['801', 'Location: read', SINCE_1_0, 'location'],
      ['805', 'Location: write', SINCE_1_0, NOT_WRITABLE],
      ['810', 'Location: observe', SINCE_1_0, 'location'],
      ['811', 'Location: observe, extended', SINCE_1_0, EMPTY],
      ['820', 'Location: Execute', SINCE_1_0, EMPTY],
      ['830', 'Location: Create', SINCE_1_0, EMPTY],
      ['835', 'Location: Delete', SINCE_1_0, EMPTY],
      ['901', 'Connectivity Statistics: collect', SINCE_1_0, 'connectivity'],
      ['905', 'Connectivity Statistics: write', SINCE_1_0, 'connectivity'],
      ['910', 'Connectivity Statistics: observe', SINCE_1_0, 'connectivity'],
      ['911', 'Connectivity Statistics: observe, extended', SINCE_1_0, EMPTY],
      ['920', 'Connectivity Statistics: Execute', SINCE_1_0, EMPTY],
      ['930', 'Connectivity Statistics: Create', SINCE_1_0, EMPTY],
      ['935', 'Connectivity Statistics: Delete', SINCE_1_0, EMPTY],
    ]),
  },
  {
    title: 'OMA: several servers',
    source: 'OMA ETS INT, 950 to 999.',
    cases: cases([
      ['950', 'Registration with two servers', SINCE_1_0, 'servers'],
      ['951', 'Attributes belong to a server', SINCE_1_0, 'servers'],
    ]),
  },
  {
    title: 'OMA: further Objects',
    source: 'OMA ETS INT, 1200 and above.',
    cases: cases([
      ['1200', 'Cellular Connectivity: read', SINCE_1_0, 'cellular'],
      ['1201', 'Cellular Connectivity 1.1: read', SINCE_1_0, 'cellular'],
      ['1202', 'Cellular Connectivity 1.1: write', SINCE_1_0, 'cellular'],
      ['1203', 'Cellular Connectivity 1.1: observe', SINCE_1_0, 'cellular'],
      ['1204', 'Cellular Connectivity: observe timers', SINCE_1_1, 'cellular'],
      ['CONMGMT-1.1-int-1250', 'APN Connection Profile: configure', SINCE_1_0, 'cellular'],
      ['CONMGMT-1.1-int-1350', 'Bearer Selection', SINCE_1_1, 'cellular'],
      ['1600', 'Portfolio: 1600', SINCE_1_0, EMPTY],
      ['1605', 'Portfolio: 1605', SINCE_1_0, EMPTY],
      ['1610', 'Portfolio: 1610', SINCE_1_0, EMPTY],
      ['1611', 'Portfolio: 1611', SINCE_1_0, EMPTY],
      ['1620', 'Portfolio: 1620', SINCE_1_0, EMPTY],
      ['1630', 'Portfolio: create an Object Instance', SINCE_1_0, 'portfolio'],
      ['1635', 'Portfolio: delete Object Instances', SINCE_1_0, 'portfolio'],
      ['1900', 'Binary App Data Container: observe', SINCE_1_1, 'app-data'],
      ['1901', 'Binary App Data Container: write', SINCE_1_1, 'app-data'],
      ['2000', 'Event Log: LogStart', SINCE_1_1, 'event-log'],
      ['2001', 'Event Log: read', SINCE_1_1, 'event-log'],
    ]),
  },
];
