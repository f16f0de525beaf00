/**
 * PC/SC readers by pcscd's own socket: nothing native is needed. One connection waits for changes, and every card that is
 * powered has one of its own, so that hanging up lets go of it whatever state it is in.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { CardConnection } from '@lapwing/smartcard';
import { OperationFailed } from '@lapwing/coap';
import { pcscFailed, type CardReaders, type CardReadersListener } from './card-readers.ts';
import { PcscdChannel, PcscdCommands, SUCCESS, encodeNumbers, numberAt, returnCodeName } from './pcscd-channel.ts';
import { PROTOCOL_T0, withoutCase4Le } from './tpdu.ts';

/** Sixteen readers of 184 bytes: name, events, state, sharing, ATR and its length, protocol. */
const READERS = 16;
const READER_BYTES = 184;
const NAME_BYTES = 128;
const EVENTS_AT = 128;
const STATE_AT = 132;
const ATR_AT = 140;
const MAX_ATR_BYTES = 33;
const ATR_LENGTH_AT = 176;
const CARD_PRESENT = 0x04;
/** A change, or that nobody waits any more: time and return code. */
const CHANGE_BYTES = 8;

const SCOPE_SYSTEM = 2;
const SHARE_SHARED = 2;
const ANY_PROTOCOL = 3;
const LEAVE_CARD = 0;
/** Room for an answer: a short response APDU and more. */
const ANSWER_BYTES = 65_536;
const NO_BYTES = new Uint8Array(0);

const NO_CARD = new Set([
  'SCARD_E_NO_SMARTCARD',
  'SCARD_W_REMOVED_CARD',
  'SCARD_E_UNKNOWN_READER',
  'SCARD_E_READER_UNAVAILABLE',
]);
const SHARING_VIOLATION = 'SCARD_E_SHARING_VIOLATION';
/** Another program has the card to itself: it is asked again so often, so many times. */
const TURN_INTERVAL = 100;
const MAX_TURNS = 50;

export async function openPcscdReaders(path: string, listener: CardReadersListener): Promise<CardReaders> {
  const channel = await PcscdChannel.open(path);
  let isClosed = false;
  const wait = async (): Promise<void> => {
    channel.send(PcscdCommands.waitReaderStateChange, NO_BYTES);
    const states = decodeReaders(await channel.receive(READERS * READER_BYTES));
    listener.follow(
      states.map(({ events, isPresent, name }) => ({ name, insertion: isPresent ? `${events}` : undefined })),
    );
  };
  const followOn = async (): Promise<void> => {
    try {
      for (;;) {
        await channel.receive(CHANGE_BYTES);
        await wait();
      }
    } catch (error) {
      if (isClosed) return;
      channel.destroy();
      if (!(error instanceof OperationFailed)) throw error;
      listener.fail(error);
    }
  };
  await wait();
  void followOn();
  return {
    connect: (readerName) => connectCard(path, readerName),
    async close(): Promise<void> {
      isClosed = true;
      channel.destroy();
    },
  };
}

interface DecodedReader {
  readonly name: string;
  readonly events: number;
  readonly isPresent: boolean;
  readonly atr: Uint8Array;
}

/** Places without a reader have no name. */
export function decodeReaders(states: Uint8Array): readonly DecodedReader[] {
  const found: DecodedReader[] = [];
  for (let at = 0; at + READER_BYTES <= states.length; at += READER_BYTES) {
    const state = states.subarray(at, at + READER_BYTES);
    const name = textOf(state.subarray(0, NAME_BYTES));
    if (name === '') continue;
    const atrBytes = Math.min(numberAt(state, ATR_LENGTH_AT), MAX_ATR_BYTES);
    found.push({
      name,
      events: numberAt(state, EVENTS_AT),
      isPresent: (numberAt(state, STATE_AT) & CARD_PRESENT) !== 0,
      atr: state.slice(ATR_AT, ATR_AT + atrBytes),
    });
  }
  return found;
}

const textOf = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
};

async function connectCard(path: string, readerName: string): Promise<CardConnection | undefined> {
  const channel = await PcscdChannel.open(path);
  try {
    const connection = await connectOver(channel, readerName);
    if (connection === undefined) channel.destroy();
    return connection;
  } catch (error) {
    channel.destroy();
    throw error;
  }
}

async function connectOver(channel: PcscdChannel, readerName: string): Promise<CardConnection | undefined> {
  const established = await channel.request(PcscdCommands.establishContext, encodeNumbers(SCOPE_SYSTEM, 0, 0), 12);
  check(established, 8, 'context');
  const context = numberAt(established, 4);

  const name = new Uint8Array(NAME_BYTES);
  name.set(new TextEncoder().encode(readerName).subarray(0, NAME_BYTES - 1));
  const numbers = encodeNumbers(SHARE_SHARED, ANY_PROTOCOL, 0, 0, 0);
  const body = Uint8Array.from([...encodeNumbers(context), ...name, ...numbers]);
  const connected = await channel.request(PcscdCommands.connect, body, body.length);
  if (NO_CARD.has(returnCodeName(numberAt(connected, 4 + NAME_BYTES + 16)))) return undefined;
  check(connected, 4 + NAME_BYTES + 16, `connection to the card in ${readerName}`);
  const card = numberAt(connected, 4 + NAME_BYTES + 8);
  const protocol = numberAt(connected, 4 + NAME_BYTES + 12);

  await takeTurn(channel, card, readerName);
  const states = decodeReaders(await channel.request(PcscdCommands.getReadersState, NO_BYTES, READERS * READER_BYTES));
  return {
    atr: states.find((each) => each.name === readerName)?.atr ?? NO_BYTES,
    async transmit(command): Promise<Uint8Array> {
      const bytes = protocol === PROTOCOL_T0 ? withoutCase4Le(command) : command;
      channel.send(
        PcscdCommands.transmit,
        encodeNumbers(card, protocol, 8, bytes.length, protocol, 8, ANSWER_BYTES, 0),
      );
      channel.write(bytes);
      const answer = await channel.receive(32);
      check(answer, 28, `answer from the card in ${readerName}`);
      return channel.receive(numberAt(answer, 24));
    },
    async close(): Promise<void> {
      try {
        const ended = await channel.request(PcscdCommands.endTransaction, encodeNumbers(card, LEAVE_CARD, 0), 12);
        check(ended, 8, `end of the transaction with the card in ${readerName}`);
        await channel.request(PcscdCommands.disconnect, encodeNumbers(card, LEAVE_CARD, 0), 12);
      } finally {
        channel.destroy();
      }
    },
  };
}

/** Keep other programs off the card. */
async function takeTurn(channel: PcscdChannel, card: number, readerName: string): Promise<void> {
  for (let turn = 0; ; turn++) {
    const begun = await channel.request(PcscdCommands.beginTransaction, encodeNumbers(card, 0), 8);
    if (turn === MAX_TURNS || returnCodeName(numberAt(begun, 4)) !== SHARING_VIOLATION) {
      return check(begun, 4, `transaction with the card in ${readerName}`);
    }
    await delay(TURN_INTERVAL);
  }
}

/** @throws OperationFailed when the return code at this byte of an answer is none of success. */
function check(answer: Uint8Array, at: number, what: string): void {
  const code = numberAt(answer, at);
  if (code !== SUCCESS) throw pcscFailed(`PC/SC gave no ${what}: ${returnCodeName(code)}`);
}
