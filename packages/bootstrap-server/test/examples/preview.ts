import { configurationFromJson, type LwM2mBootstrapServer } from '@lapwing/bootstrap-server';

/** Keep a configuration that somebody has written, and say what the device will be asked. */
export async function preview(
  bootstrapServer: LwM2mBootstrapServer,
  name: string,
  text: string,
): Promise<readonly string[]> {
  // Bytes are written as { "hex": … } or { "base64": … }. What cannot be given to a device throws UsageError.
  await bootstrapServer.configurations.set(name, configurationFromJson(JSON.parse(text)));
  const operations = await bootstrapServer.preview(name, { discovered: '</>;lwm2m=1.1,</0/0>,</3/0>' });
  return (operations ?? []).map(({ operation, path, values }) => `${operation} ${path}, ${values.length} values`);
}
