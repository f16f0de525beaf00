/** What `lapwing serve` says when it is up. */
import { join } from 'node:path';
import type { App } from './app.ts';
import type { Configuration } from './configuration.ts';
import type { SimulatedDevice } from './demo/simulated-device.ts';
import { isLoopback } from './rest/origin-guard.ts';
import { PUBLIC_KEY_FILE } from './security/server-identity.ts';
import { fingerprintOf } from './security/trust-anchors.ts';

export function banner(
  app: Pick<App, 'httpUrl' | 'coapUrls' | 'bootstrapUrls' | 'security'>,
  configuration: Pick<Configuration, 'httpHost' | 'coaps'>,
  devices: readonly Pick<SimulatedDevice, 'endpointClientName' | 'summary' | 'security'>[],
  version: string,
): string {
  const web = app.httpUrl.replace('//127.0.0.1:', '//localhost:');
  const lines = [
    `Lapwing ${version}`,
    '',
    `  Console      ${web}`,
    `  REST API     ${web}/api/v1/docs`,
    `  Devices      ${app.coapUrls.join(', ')} (UDP)`,
  ];
  if (app.bootstrapUrls.length > 0) lines.push(`  Bootstrap    ${app.bootstrapUrls.join(', ')} (UDP)`);
  if (configuration.coaps) lines.push(...identityLines(app.security));
  lines.push('');
  if (devices.length > 0) {
    lines.push('  Simulated devices, left out with --no-demo:');
    for (const { endpointClientName, summary, security } of devices) {
      const how = security === undefined || !configuration.coaps ? '' : `, ${SECURITY_WORDS[security]}`;
      lines.push(`    ${endpointClientName.padEnd(22)}${summary}${how}`);
    }
    lines.push('');
  }
  lines.push(
    isLoopback(configuration.httpHost)
      ? '  There is no login: the console and the API answer only programs on this machine.'
      : `  There is no login: whoever reaches ${configuration.httpHost} can control every device.`,
    '  Ctrl+C stops.',
    '',
  );
  return `${lines.join('\n')}\n`;
}

const SECURITY_WORDS = {
  psk: 'over coaps with a pre-shared key',
  x509: 'over coaps with a certificate',
  bootstrap: 'bootstrapped over coaps',
} as const;

/** What devices must know of the server. */
function identityLines({ folder, identity }: App['security']): readonly string[] {
  const lines = [`  Certificate  sha-256 ${fingerprintOf(identity.x509)}`];
  const where = folder === undefined ? `sha-256 ${identity.publicKeyFingerprint}` : join(folder, PUBLIC_KEY_FILE);
  return [...lines, `  Public key   ${where}`];
}
