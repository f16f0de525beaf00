/** What `lapwing serve` says when it is up. */
import type { App } from './app.ts';
import type { Configuration } from './configuration.ts';
import type { SimulatedDevice } from './demo/simulated-device.ts';
import { isLoopback } from './rest/origin-guard.ts';

export function banner(
  app: Pick<App, 'httpUrl' | 'coapUrls'>,
  configuration: Pick<Configuration, 'httpHost'>,
  devices: readonly Pick<SimulatedDevice, 'endpointClientName' | 'summary'>[],
  version: string,
): string {
  const web = app.httpUrl.replace('//127.0.0.1:', '//localhost:');
  const lines = [
    `Lapwing ${version}`,
    '',
    `  Console    ${web}`,
    `  REST API   ${web}/api/v1/docs`,
    `  Devices    ${app.coapUrls.join(', ')} (UDP)`,
    '',
  ];
  if (devices.length > 0) {
    lines.push('  Simulated devices, left out with --no-demo:');
    for (const { endpointClientName, summary } of devices) lines.push(`    ${endpointClientName.padEnd(22)}${summary}`);
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
