import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isMalformed } from '@lapwing/lwm2m';
import {
  type Configuration,
  type ConfigurationSources,
  configurationFrom,
  DEFAULT_CONFIGURATION,
  SETTINGS,
  unknownVariables,
} from './configuration.ts';

const file = (settings: unknown): NonNullable<ConfigurationSources['file']> => ({
  name: 'lapwing.json',
  text: typeof settings === 'string' ? settings : JSON.stringify(settings),
});

const READ: readonly (readonly [string, ConfigurationSources, Partial<Configuration>])[] = [
  ['nothing', {}, { coapPort: 5683, httpPort: 8080, httpHost: '127.0.0.1', demo: true, coapHost: undefined }],
  ['a flag', { flags: { coapPort: '15683' } }, { coapPort: 15683 }],
  ['--no-demo', { flags: { demo: false } }, { demo: false }],
  [
    'the environment',
    { environment: { LAPWING_HTTP_HOST: '0.0.0.0', LAPWING_DEMO: 'false' } },
    { httpHost: '0.0.0.0', demo: false },
  ],
  ['an empty variable as none', { environment: { LAPWING_HTTP_PORT: '' } }, { httpPort: 8080 }],
  [
    'a list of names',
    { flags: { httpAllowedHosts: 'a.example, b.example' } },
    { httpAllowedHosts: ['a.example', 'b.example'] },
  ],
  [
    'a file',
    { file: file({ coapPort: 1, httpAllowedHosts: ['a'], demo: false }) },
    { coapPort: 1, httpAllowedHosts: ['a'], demo: false },
  ],
  [
    'flags before the environment before the file',
    {
      flags: { coapPort: '1' },
      environment: { LAPWING_COAP_PORT: '2', LAPWING_HTTP_PORT: '2' },
      file: file({ coapPort: 3, httpPort: 3, deviceTimeout: 3 }),
    },
    { coapPort: 1, httpPort: 2, deviceTimeout: 3 },
  ],
];

const REFUSED: readonly (readonly [ConfigurationSources, string])[] = [
  [{ flags: { coapPort: '65536' } }, '--coap-port is 65536; it takes a whole number from 0 to 65535'],
  [{ flags: { coapPort: '1e3' } }, '--coap-port is "1e3"; it takes a whole number from 0 to 65535'],
  [
    { flags: { coapHost: 'localhost' } },
    '--coap-host is "localhost"; it takes an IP address, like 127.0.0.1 or ::1, and no host name',
  ],
  [{ flags: { httpHost: '' } }, '--http-host is ""; it takes text that is not empty'],
  [
    { environment: { LAPWING_DEMO: 'maybe' } },
    'the environment variable LAPWING_DEMO is "maybe"; it takes true or false',
  ],
  [
    { environment: { LAPWING_LOG_LEVEL: 'loud' } },
    'the environment variable LAPWING_LOG_LEVEL is "loud"; it takes one of fatal, error, warn, info, debug, trace, silent',
  ],
  [{ file: file({ demo: 'false' }) }, '"demo" in lapwing.json is "false"; it takes true or false'],
  [
    { file: file({ httpAllowedHosts: 'a' }) },
    '"httpAllowedHosts" in lapwing.json is "a"; it takes names separated by commas (in a file: a list)',
  ],
  [
    { file: file({ coapport: 1 }) },
    'The configuration file lapwing.json has an unknown setting "coapport"; did you mean "coapPort"?',
  ],
  [{ file: file([]) }, 'The configuration file lapwing.json must hold one JSON object, like {"coapPort": 5683}'],
];

describe('the configuration', () => {
  for (const [name, sources, expected] of READ) {
    it(`is read from ${name}`, () => {
      assert.deepEqual(configurationFrom(sources), { ...DEFAULT_CONFIGURATION, ...expected });
    });
  }
  for (const [sources, sentence] of REFUSED) {
    it(`says: ${sentence}`, () => {
      const refused = configurationFrom(sources);
      assert.ok(isMalformed(refused));
      assert.equal(refused.malformed, sentence);
    });
  }
  it('names all settings for one that is not like any', () => {
    const refused = configurationFrom({ file: file({ colour: 'red' }) });
    assert.ok(isMalformed(refused) && refused.malformed.includes('there are coapPort, coapHost,'));
  });
  it('says that a file is not JSON', () => {
    const refused = configurationFrom({ file: file('{') });
    assert.ok(isMalformed(refused) && refused.malformed.startsWith('The configuration file lapwing.json is not JSON:'));
  });
  it('tells of each variable that looks like a setting and is none', () => {
    const environment = {
      LAPWING_COAPPORT: '1',
      LAPWING_PORT: 'tcp://10.0.0.1:8080',
      LAPWING_COAP_PORT: '1',
      HOME: '/',
    };
    assert.deepEqual(unknownVariables({ ...environment, LAPWING_URL: 'http://a' }, ['LAPWING_URL']), [
      'The environment variable LAPWING_COAPPORT is no setting of Lapwing; did you mean LAPWING_COAP_PORT?',
      'The environment variable LAPWING_PORT is no setting of Lapwing',
    ]);
  });
  it('gives each setting a flag, a variable and a description', () => {
    for (const { flag, variable, description } of SETTINGS) {
      assert.match(flag, /^--[a-z-]+$/);
      assert.match(variable, /^LAPWING_[A-Z_]+$/);
      assert.ok(description.length > 10);
    }
  });
});
