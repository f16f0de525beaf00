/**
 * Firmware Update (5) of a simulated device: it takes any package and "installs" it for a moment. A package that begins with
 * a line like "version 2.0" is that version; with any other the version is counted up.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type ClientObject, firmwareUpdateObject } from '@lapwing/client';

/** ms. */
const INSTALLING = 1500;
const MAX_PACKAGE_BYTES = 4 * 1024 * 1024;
/** Of the package, to look for its version in. */
const HEAD_BYTES = 64;

/** @param version  that runs at first, like "1.0". */
export function simulatedFirmware(version: string): ClientObject {
  let running = version;
  let received = version;
  return firmwareUpdateObject({
    maxPackageBytes: MAX_PACKAGE_BYTES,
    receive: () => {
      let head = '';
      return {
        // Nobody runs it: the other bytes may go.
        write(bytes) {
          if (head.length < HEAD_BYTES) head += new TextDecoder('latin1').decode(bytes.subarray(0, HEAD_BYTES));
        },
        end() {
          received = /^version ([\w.-]{1,32})\s/.exec(head)?.[1] ?? countedUp(running);
          return { name: 'simulated', version: received };
        },
        discard: () => undefined,
      };
    },
    install: async ({ registerAgain }) => {
      await pause(INSTALLING, undefined, { ref: false });
      running = received;
      registerAgain();
      return { firmwareVersion: running };
    },
  });
}

const countedUp = (version: string): string => version.replace(/\d+$/, (last) => String(Number(last) + 1));
