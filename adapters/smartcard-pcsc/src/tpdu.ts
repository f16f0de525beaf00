/** Command APDUs over T=0, ISO 7816-3 §12.2: a command with data has no Le there, its answer is fetched by GET RESPONSE. */

/** As PC/SC numbers protocols. */
export const PROTOCOL_T0 = 1;

const HEADER_BYTES = 5;

/** The command as T=0 carries it. Case 4: without its last byte; every other case as it is. */
export function withoutCase4Le(command: Uint8Array): Uint8Array {
  const dataBytes = command[4];
  if (dataBytes === undefined || dataBytes === 0) return command;
  return command.length === HEADER_BYTES + dataBytes + 1 ? command.subarray(0, -1) : command;
}
