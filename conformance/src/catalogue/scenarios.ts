/** Behaviour that integration tests of other implementations are about, in our own words. */
import type { LwM2mVersion } from '@lapwing/lwm2m';
import type { Case } from '../catalogue.ts';

const SINCE_1_0: readonly LwM2mVersion[] = ['1.0', '1.1', '1.2'];
const SINCE_1_1: readonly LwM2mVersion[] = ['1.1', '1.2'];

type Row = readonly [id: string, title: string, versions: readonly LwM2mVersion[]];

const cases = (name: string, rows: readonly Row[]): readonly Case[] =>
  rows.map(([id, title, versions]) => ({
    id,
    title,
    versions,
    standing: { kind: 'tested', file: `scenarios/${name}.test.ts` },
  }));

const none = (why: string, rows: readonly Row[]): readonly Case[] =>
  rows.map(([id, title, versions]) => ({ id, title, versions, standing: { kind: 'void', why } }));

export const SCENARIOS: readonly Case[] = [
  ...cases('reading', [
    ['read-single-value', 'Read of a value of each type, in each format', SINCE_1_0],
    ['read-value-of-several', 'Read of one of several values of each type, in each format', SINCE_1_1],
    ['read-instance-of-single-value', 'Read of a Resource Instance of a Resource that has a single value', SINCE_1_1],
    ['read-empty-bytes', 'Read of no bytes at all, in each format', SINCE_1_0],
    ['read-object', 'Read of an Object and an Object Instance, in each format', SINCE_1_0],
    ['read-empty-object', 'Read of an Object without Object Instances', SINCE_1_0],
    ['read-refused', 'Read of what cannot be read, is not there, or is Security', SINCE_1_0],
    ['read-composite', 'Read-Composite of Resources, Resource Instances, Object Instances and everything', SINCE_1_1],
  ]),
  ...cases('writing', [
    ['write-single-value', 'Write of values of each type, to their extremes, in each format', SINCE_1_0],
    ['write-value-of-several', 'Write of one of several values, in each format', SINCE_1_1],
    ['write-bytes', 'Write of bytes, from none to many, in each format', SINCE_1_1],
    ['write-object-instance', 'Write of an Object Instance, in part and whole', SINCE_1_0],
    ['write-several-values', 'Write of a Resource with several values of each type, in each format', SINCE_1_0],
    ['write-no-values', 'Write of an Object Instance with none of several values, in each format', SINCE_1_0],
    ['write-not-encodable', 'A Write that no format can carry is not sent', SINCE_1_0],
    ['write-refused', 'Write of what cannot be written, is not there, is incomplete or of a wrong type', SINCE_1_0],
    ['write-composite', 'Write-Composite of Resources and Resource Instances, with somebody who observes', SINCE_1_1],
  ]),
  ...cases('instances', [
    ['create-without-id', 'Create without an id, in each format', SINCE_1_0],
    ['create-with-id', 'Create with an id, and again', SINCE_1_0],
    ['create-two', 'Create of two Object Instances in one request', SINCE_1_0],
    ['create-incomplete', 'Create without a mandatory value creates nothing', SINCE_1_0],
    ['create-refused', 'Create of a second Device, of Security, of an Object that is not there', SINCE_1_0],
    ['delete', 'Delete of an Object Instance', SINCE_1_0],
    ['delete-refused', 'Delete of what is not there, of Device, of Security', SINCE_1_0],
    ['discover-levels', 'Discover at every level', SINCE_1_0],
    ['discover-absent', 'Discover of what is not there', SINCE_1_0],
    ['execute', 'Execute with and without arguments', SINCE_1_0],
    ['execute-refused', 'Execute of what cannot be executed, is not there, or is Security', SINCE_1_0],
  ]),
  ...cases('observing', [
    ['observe-levels', 'Observe at every level', SINCE_1_0],
    ['observe-cancel', 'Cancel by Reset and by Observe: 1', SINCE_1_0],
    ['observe-deleted-instance', 'What is observed is deleted: 4.04 ends the observation', SINCE_1_0],
    ['observe-deleted-value', 'A Resource Instance that is observed goes: 4.04 ends the observation', SINCE_1_1],
    ['composite-observe', 'Observe-Composite of several Resources: each notification has all', SINCE_1_1],
    ['composite-observe-one', 'Observe-Composite of a single Resource', SINCE_1_1],
    ['composite-observe-levels', 'Observe-Composite of an Object Instance, an Object, everything', SINCE_1_1],
    ['composite-observe-write', 'Write-Composite to what is observed is told once', SINCE_1_1],
    ['composite-observe-cancel', 'Cancel of an Observe-Composite by Reset and by Observe: 1', SINCE_1_1],
  ]),
  ...cases('attributes', [
    ['attributes-each-level', 'Attributes are discovered where they were written, and merged', SINCE_1_0],
    ['attributes-all-levels', 'Attributes at all levels at once', SINCE_1_1],
    ['attributes-refused', 'Attributes that contradict each other are 4.00 and not kept', SINCE_1_0],
    ['attribute-pmin', 'pmin delays', SINCE_1_0],
    ['attribute-pmax', 'pmax repeats', SINCE_1_0],
    ['attribute-pmin-and-pmax', 'pmin and pmax together, also when they are equal', SINCE_1_0],
    ['attribute-pmax-below-pmin', 'A pmax below pmin is passed over, also when one is inherited', SINCE_1_0],
    ['attribute-lt', 'lt tells of crossings, for each type of number', SINCE_1_0],
    ['attribute-gt', 'gt tells of crossings, for each type of number', SINCE_1_0],
    ['attribute-st-up', 'st tells of steps up, for each type of number', SINCE_1_0],
    ['attribute-st-down', 'st tells of steps down, for each type of number', SINCE_1_0],
    ['attribute-lt-gt-st', 'lt, gt and st together, for each type of number', SINCE_1_0],
    ['attribute-beyond-2-to-the-63', 'st with numbers that no double can hold', SINCE_1_0],
    ['attribute-lt-and-pmax', 'lt and pmax together', SINCE_1_0],
    ['attribute-inheritance', 'Attributes of the level above hold, until the own ones do', SINCE_1_0],
    ['attributes-go-with-instance', 'Attributes go with their Object Instance', SINCE_1_0],
    ['attributes-go-with-value', 'Attributes go with their Resource Instance', SINCE_1_1],
    ['attributes-after-cancel', 'After a cancel pmax has nothing more to tell, at every level', SINCE_1_0],
    ['observation-goes-with-instance', 'Observations end with what they are about, at every level', SINCE_1_0],
  ]),
  ...cases('registration', [
    ['register-update-deregister', 'Register, Update within the lifetime, De-register', SINCE_1_0],
    ['register-again', 'A second Register takes the place of the first', SINCE_1_0],
    ['register-gone-silent', 'Who falls silent is registered until the lifetime is over', SINCE_1_0],
    [
      'register-bindings',
      'Bindings of another version are taken for what they mean; nonsense and a Register without Objects are refused',
      SINCE_1_0,
    ],
    ['register-without-name', 'Register without a name over plain coap', SINCE_1_0],
    ['register-additional', 'What a Register says beyond LwM2M is kept', SINCE_1_0],
    ['queue-awake-and-asleep', 'A device in queue mode is awake, asleep and awake again, each told once', SINCE_1_0],
    ['queue-request-when-awake', 'What is asked of a device asleep goes out after its next Update', SINCE_1_0],
    ['send', 'Send of several Resources, in each format', SINCE_1_1],
    ['send-timestamped', 'Send of several values of one Resource with their times', SINCE_1_1],
  ]),
  ...cases('raw-peers', [
    ['raw-register-invalid', 'A Register without Objects, without a name, with nonsense in it', SINCE_1_0],
    [
      'raw-update-bindings',
      'An Update with a binding of another version is taken for what it means, nonsense is refused',
      SINCE_1_0,
    ],
    ['raw-read-timestamped', 'A Read is answered with the time of the value', SINCE_1_0],
    ['raw-observe-timestamped', 'Notifications of several values with their times, at every level', SINCE_1_0],
    ['raw-read-composite-timestamped', 'A Read-Composite is answered with the times of the values', SINCE_1_1],
    ['raw-observe-composite-timestamped', 'Notifications of several paths with their times', SINCE_1_1],
    ['raw-observe-deregistered', 'Observe of a device that has de-registered', SINCE_1_0],
    ['raw-notification-error', 'A notification with an error ends the observation', SINCE_1_0],
    ['raw-notification-outside', 'A notification about what is not observed is refused as malformed', SINCE_1_0],
    ['raw-notification-unknown', 'A notification that nobody has asked for is answered with Reset', SINCE_1_0],
    ['raw-delete-resource', 'Delete of a Resource, of an Object and of everything', SINCE_1_0],
    ['raw-send-invalid', 'A Send that cannot be read is 4.00', SINCE_1_1],
  ]),
  ...cases('security-psk', [
    ['psk-registered', 'Register with a pre-shared key', SINCE_1_0],
    ['psk-without-name', 'Register without a name over a pre-shared key', SINCE_1_0],
    ['psk-update-deregister-register', 'Update, De-register and Register anew over DTLS', SINCE_1_0],
    ['psk-update-register', 'Update and a second Register over the same association', SINCE_1_0],
    ['psk-refused', 'Another identity, another key, the name of another device', SINCE_1_0],
    ['psk-removed', 'A key that is taken away ends the registration, and its session is not resumed', SINCE_1_0],
    ['unassociated-request', 'A request to a device without an association fails at once', SINCE_1_0],
    [
      'unassociated-queue-mode',
      'A request to a device in queue mode without an association waits for its next one',
      SINCE_1_0,
    ],
    [
      'identity-at-address-changed',
      'What is meant for a device does not reach another one that has taken its address',
      SINCE_1_0,
    ],
  ]),
  ...none('a device opens the association, a server never does (OMA TS Transport §5.2): see unassociated-request', [
    ['server-opens-association', 'The server begins the handshake with a device it knows', SINCE_1_0],
    ['server-opens-association-unanswered', 'The server begins the handshake, and nobody answers', SINCE_1_0],
  ]),
  ...cases('security-rpk', [
    ['rpk-registered', 'Register with a raw public key', SINCE_1_0],
    ['rpk-without-name', 'Register without a name over a raw public key', SINCE_1_0],
    ['rpk-refused', 'Another key, the name of another device, another key of the server', SINCE_1_0],
    ['rpk-removed', 'A raw public key that is taken away ends the registration', SINCE_1_0],
    ['rpk-with-certificate-server', 'A device with a raw public key at a server that has a certificate too', SINCE_1_0],
    ['certificate-with-rpk-server', 'A device with a certificate at a server that has none', SINCE_1_0],
  ]),
  ...cases('security-sni', [
    ['sni-rpk', 'Two servers at one address with raw public keys, told apart by name', SINCE_1_0],
    ['sni-x509', 'Two servers at one address with certificates, told apart by name, by usage', SINCE_1_0],
  ]),
  ...cases('security-store', [
    ['store-identity-unique', 'A PSK identity belongs to one device', SINCE_1_0],
    ['store-identity-changed', 'A PSK identity that is changed finds nobody, and is free for others', SINCE_1_0],
  ]),
  ...cases('security-x509', [
    ['x509-accepted', 'Certificates that lead to a registration, by usage', SINCE_1_0],
    ['x509-without-name', 'Register without a name over a certificate', SINCE_1_0],
    ['x509-removed', 'A certificate that is not expected any more ends the registration', SINCE_1_0],
    ['x509-refused', 'Certificates and usages that are refused, each with its reason', SINCE_1_0],
  ]),
  ...cases('endpoints', [
    ['endpoint-of-update', 'Update at another endpoint of the server is 4.00 and changes nothing', SINCE_1_0],
    ['endpoint-of-deregister', 'De-register at another endpoint of the server is 4.00 and ends nothing', SINCE_1_0],
    ['endpoint-of-send', 'Send to another endpoint of the server is 4.00 and not told', SINCE_1_1],
    ['endpoint-of-notification', 'A notification to another endpoint of the server is ignored', SINCE_1_0],
  ]),
  ...cases('source-address', [
    [
      'source-address-notification',
      'Without security a notification from another address is ignored, until an Update comes from there',
      SINCE_1_0,
    ],
    ['source-address-send', 'Without security a Send from another address is 4.00, until an Update', SINCE_1_1],
    [
      'source-address-secured-notification',
      'With a Connection ID a notification from another address counts, and the registration takes the address',
      SINCE_1_0,
    ],
    [
      'source-address-secured-send',
      'With a Connection ID a Send from another address counts, and the registration takes the address',
      SINCE_1_1,
    ],
  ]),
  ...cases('pending', [
    [
      'pending-register-again',
      'A second Register cancels what was asked before, and what waits for a device asleep is asked of the new one',
      SINCE_1_0,
    ],
    ['pending-deregister', 'De-register cancels everything that is pending, and nothing more is asked', SINCE_1_0],
    ['pending-registration-over', 'Expiry and removal cancel everything that is pending', SINCE_1_0],
  ]),
  ...cases('timeouts', [
    ['timeout-not-acknowledged', 'A request that is never acknowledged fails after all transmissions', SINCE_1_0],
    [
      'timeout-acknowledged',
      'A request that is acknowledged and not answered fails when its caller gives up',
      SINCE_1_0,
    ],
    ['timeout-asleep', 'A device in queue mode that does not answer is taken to sleep', SINCE_1_0],
  ]),
  ...cases('bootstrap', [
    ['bootstrap-plain', 'Bootstrap over plain coap, then Register', SINCE_1_0],
    ['bootstrap-no-pack', 'Without a Bootstrap-Pack a Bootstrap-Request follows', ['1.2']],
    ['bootstrap-without-name', 'A Bootstrap-Request without a name over plain coap is 4.00', SINCE_1_0],
    [
      'bootstrap-unknown-name',
      'A Bootstrap-Request of a device that nobody has a configuration for is 4.00',
      SINCE_1_0,
    ],
    ['bootstrap-preferred-format', 'A device is written to in the format that it prefers', SINCE_1_1],
    ['bootstrap-only-format', 'A device that knows one format, and does not say which, is written to in it', ['1.1']],
    ['bootstrap-forced-format', 'A device is written to in the format that its configuration wants', SINCE_1_0],
    ['bootstrap-additional', 'What a Bootstrap-Request says beyond LwM2M is kept', SINCE_1_0],
    [
      'bootstrap-discover-root',
      'What a device has is discovered before it is written, at first and when a server has it bootstrap again',
      SINCE_1_0,
    ],
    ['bootstrap-discover-object', 'A single Object is discovered', SINCE_1_0],
    ['bootstrap-two-bootstrap-servers', 'Accounts of two Bootstrap-Servers are refused at Finish', SINCE_1_0],
    ['bootstrap-chosen-ids', 'Object Instance IDs that a configuration leaves open, or says', SINCE_1_0],
    ['bootstrap-deletes-chosen', 'Chosen Objects are deleted, and no others', SINCE_1_0],
    ['bootstrap-deletes-all', 'Everything is deleted but Device and the account of the Bootstrap-Server', SINCE_1_0],
    ['bootstrap-access-control', 'Access Control that is written holds between two servers', SINCE_1_0],
  ]),
  ...cases('bootstrap-secure', [
    ['bootstrap-secured', 'Bootstrap over coaps, by kind of credentials', SINCE_1_0],
    ['bootstrap-secured-without-name', 'Bootstrap and Register over coaps without a name', SINCE_1_1],
    ['bootstrap-secured-refused', 'Credentials that no Bootstrap is given for, each with its reason', SINCE_1_0],
    ['bootstrap-plain-of-known-device', 'A device with credentials is not let in over plain coap', SINCE_1_0],
    ['bootstrap-sni', 'Bootstrap-Server and server are told apart by name', SINCE_1_0],
    ['bootstrap-plain-then-secured', 'Bootstrap over plain coap, then Register over coaps', SINCE_1_0],
    ['bootstrap-identity-changes', 'One name, two identities: to the Bootstrap-Server and to the server', SINCE_1_0],
    ['bootstrap-generated', 'Credentials made on the spot, others with each Bootstrap', SINCE_1_0],
    ['bootstrap-generated-one-after-the-other', 'Credentials of another kind with each Bootstrap', SINCE_1_0],
    ['bootstrap-renews-itself', 'The Bootstrap-Server renews its own account', SINCE_1_0],
  ]),
  ...cases('bootstrap-attributes', [
    ['bootstrap-ends-attributes', 'Bootstrap ends observations and attributes of every level', SINCE_1_0],
  ]),
];
