import { createHash } from 'node:crypto';
import { open, unlink } from 'node:fs/promises';
import { deviceObject, FirmwareRefused, firmwareUpdateObject, LwM2mClient } from '@lapwing/client';
import type { PackageSink } from '@lapwing/client';

/** A package on disk: 32 bytes SHA-256 of the rest, then the rest. */
async function fileSink(path: string): Promise<PackageSink> {
  const file = await open(path, 'w');
  const hash = createHash('sha256');
  let digest = Buffer.alloc(0);
  return {
    async write(bytes) {
      const head = bytes.subarray(0, 32 - digest.length);
      digest = Buffer.concat([digest, head]);
      hash.update(bytes.subarray(head.length));
      await file.write(bytes.subarray(head.length));
    },
    async end() {
      await file.close();
      if (!hash.digest().equals(digest)) throw new FirmwareRefused('integrity');
      return { name: 'example', version: '2.0' };
    },
    discard() {
      void file.close().finally(() => unlink(path));
    },
  };
}

/** A package from a web server. */
async function* fetchOverHttp(uri: string, { signal }: { signal: AbortSignal }): AsyncGenerator<Uint8Array> {
  const response = await fetch(uri, { signal });
  if (!response.ok || response.body === null) throw new FirmwareRefused('uri');
  yield* response.body;
}

/** A device whose firmware can be pushed over CoAP or pulled from a web server. */
export const startUpdatableDevice = (serverUri: string, path: string): Promise<LwM2mClient> =>
  LwM2mClient.start({
    endpointClientName: 'urn:dev:os:32473-updatable',
    servers: [{ uri: serverUri }],
    objects: [
      deviceObject({ firmwareVersion: '1.0' }),
      firmwareUpdateObject({
        receive: () => fileSink(path),
        fetch: { http: fetchOverHttp, https: fetchOverHttp },
        install: () => ({ firmwareVersion: '2.0' }),
      }),
    ],
  });
