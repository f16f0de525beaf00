/**
 * The handshakes under way: feeds the machines with messages, sends and repeats their flights, asks their questions, and
 * ends them. RFC 6347 §4.2.
 *
 * A machine only notes what it wants; `#settle` does it when the machine has returned, in this order: keys, flight,
 * question, end.
 */
import { decodeAlert } from './alert-codec.ts';
import { DtlsAssociation } from './association.ts';
import type { AssociationTables } from './association-tables.ts';
import { countDrop, countRefusal } from './counters.ts';
import type { DtlsCounters } from './counters.ts';
import type { ServerCredentials } from './credentials.ts';
import type { DtlsCrypto } from './crypto.ts';
import type { ConnectOptions } from './endpoint.ts';
import type { DtlsOutbox, Lookup, LookupAnswer, RemoteAddress } from './events.ts';
import { ClientHandshake } from './handshake/client-handshake.ts';
import type { HandshakeFailure, HandshakeMessage, HandshakeResult } from './handshake/handshake.ts';
import type { DecodedClientHello } from './handshake/hello-codec.ts';
import { Reassembler } from './handshake/reassembler.ts';
import { ServerHandshake } from './handshake/server-handshake.ts';
import { HandshakeProgress } from './handshake-progress.ts';
import type { MachineLookup } from './handshake-progress.ts';
import { isMalformed } from './malformed.ts';
import type { OpenAssociations } from './open-associations.ts';
import type { DtlsParameters } from './parameters.ts';
import type { SecurityParameters } from './record/protection.ts';
import { createProtection } from './record/create-protection.ts';
import { MAX_PLAINTEXT_LENGTH } from './record/record-header.ts';
import { ReplayWindow } from './record/replay-window.ts';
import type { RecordSender } from './record-sender.ts';
import type { Refusal } from './refusal.ts';
import { retransmissionDeadline, retransmissionStep } from './retransmission.ts';
import type { RetransmissionInput } from './retransmission.ts';
import type { SessionCache } from './session/session.ts';

export interface HandshakeSurroundings {
  readonly crypto: DtlsCrypto;
  readonly unixTime: () => number;
  readonly server: ServerCredentials | undefined;
  readonly parameters: DtlsParameters;
  readonly counters: DtlsCounters;
  readonly tables: AssociationTables;
  readonly sender: RecordSender;
  readonly open: OpenAssociations;
  readonly sessions: SessionCache | undefined;
}

/** A ClientHello that brought a valid cookie. */
export interface AcceptedHello {
  readonly message: HandshakeMessage;
  readonly hello: DecodedClientHello;
  /** Of its record: our first record takes it. RFC 6347 §4.2.1. */
  readonly recordSequence: number;
}

export class Handshakes {
  readonly #surroundings: HandshakeSurroundings;

  constructor(surroundings: HandshakeSurroundings) {
    this.#surroundings = surroundings;
  }

  /** The caller has made sure that there is room and that no other is under way with that address. */
  startServer(now: number, from: RemoteAddress, accepted: AcceptedHello, out: DtlsOutbox): DtlsAssociation | undefined {
    const { crypto, unixTime, server, parameters, counters, tables, sessions } = this.#surroundings;
    const { message, hello } = accepted;
    const association = new DtlsAssociation('server', from);
    association.plainSequence = accepted.recordSequence;
    if (hello.extensions.connectionId !== undefined) association.localConnectionId = this.#newConnectionId();
    const silent = tables.silentHandshake(now);
    if (silent !== undefined) this.refuse(silent, madeRoom(parameters.maxHandshakes), out);
    const refusal = tables.enterHandshake(now, association);
    if (refusal !== undefined) {
      countDrop(counters, refusal);
      return undefined;
    }
    counters.handshakesStarted++;
    const progress = new HandshakeProgress(
      new Reassembler(message.messageSeq + 1, parameters),
      now + parameters.handshakeTimeout,
      hello.cookie.slice(),
      hello.extensions.maxFragmentLength ?? MAX_PLAINTEXT_LENGTH,
    );
    association.progress = progress;
    const machine = new ServerHandshake({
      crypto,
      credentials: server!,
      parameters,
      unixTime,
      sessions,
      connectionId: association.localConnectionId,
      output: progress,
    });
    progress.attach(machine);
    machine.start(message, hello);
    this.#settle(now, association, out);
    return association;
  }

  /** @throws UsageError when none of the cipher suites fits the credentials. */
  prepareClient(now: number, to: RemoteAddress, options: ConnectOptions): DtlsAssociation {
    const { crypto, unixTime, parameters } = this.#surroundings;
    const association = new DtlsAssociation('client', to);
    association.localConnectionId = this.#newConnectionId();
    association.serverName = options.serverName;
    const progress = new HandshakeProgress(
      new Reassembler(0, parameters),
      now + parameters.handshakeTimeout,
      undefined,
      parameters.maxFragmentLength ?? MAX_PLAINTEXT_LENGTH,
    );
    association.progress = progress;
    progress.attach(
      new ClientHandshake({
        crypto,
        credentials: options.credentials,
        parameters,
        unixTime,
        serverName: options.serverName,
        cipherSuites: options.cipherSuites ?? parameters.cipherSuites,
        session: options.session,
        connectionId: association.localConnectionId,
        output: progress,
      }),
    );
    return association;
  }

  /** What `prepareClient` returned. No other handshake is under way with its address. */
  startClient(now: number, association: DtlsAssociation, out: DtlsOutbox): void {
    const { counters, tables } = this.#surroundings;
    const refusal = tables.enterHandshake(now, association);
    if (refusal !== undefined) {
      association.progress = undefined;
      association.end();
      this.#report(association, { reason: refusal, text: this.#fullText(refusal) }, out);
      return;
    }
    counters.handshakesStarted++;
    (association.progress!.machine as ClientHandshake).start();
    this.#settle(now, association, out);
  }

  #fullText(refusal: 'too-many-handshakes' | 'too-many-associations'): string {
    const { maxHandshakes, maxAssociations } = this.#surroundings.parameters;
    return refusal === 'too-many-handshakes'
      ? `as many handshakes are under way as may be: ${maxHandshakes} in all`
      : `as many associations are open as may be (${maxAssociations}), and all of them in use`;
  }

  /** The content of a record of content type handshake. */
  handleRecord(now: number, association: DtlsAssociation, content: Uint8Array, epoch: 0 | 1, out: DtlsOutbox): void {
    const outcome = association.progress!.reassembler.addRecord(content, epoch);
    if (outcome === 'repeated') this.handleRepetition(now, association, out);
    else if (outcome !== 'accepted' && outcome !== 'old') countDrop(this.#surroundings.counters, outcome);
    this.#advance(now, association, out);
  }

  handleChangeCipherSpec(now: number, association: DtlsAssociation, out: DtlsOutbox): void {
    const progress = association.progress!;
    if (progress.machine.isWaitingForLookup) progress.changeCipherSpecHeld = true;
    else if (!progress.readsEpoch1 && progress.machine.handleChangeCipherSpec()) {
      progress.readsEpoch1 = true;
      this.#settle(now, association, out);
    } else countDrop(this.#surroundings.counters, 'unexpected-change-cipher-spec');
  }

  /** The peer sent its flight again. */
  handleRepetition(now: number, association: DtlsAssociation, out: DtlsOutbox): void {
    this.#retransmission(now, association, 'peerRepeated', out);
    this.#schedule(association);
  }

  /** A flight timer or the end of the handshake may be due. */
  handleTimeout(now: number, association: DtlsAssociation, out: DtlsOutbox): void {
    const progress = association.progress!;
    if (now >= progress.endsAt) return this.#timedOut(association, out);
    this.#retransmission(now, association, 'timeout', out);
    this.#schedule(association);
  }

  answer(now: number, association: DtlsAssociation, answer: LookupAnswer, out: DtlsOutbox): void {
    const progress = association.progress;
    if (progress === undefined) return;
    progress.pendingLookup = undefined;
    progress.machine.answer(answer);
    this.#settle(now, association, out);
    if (association.progress !== progress) return;
    this.#retransmission(now, association, 'peerAwaited', out);
    this.#advance(now, association, out);
    if (association.progress !== progress || progress.machine.isWaitingForLookup) return;
    if (progress.changeCipherSpecHeld) {
      progress.changeCipherSpecHeld = false;
      this.handleChangeCipherSpec(now, association, out);
    }
    this.#schedule(association);
  }

  /** An alert of the peer: in plaintext anybody's, but nothing else tells a client why it is refused. */
  handleAlert(association: DtlsAssociation, content: Uint8Array, out: DtlsOutbox): void {
    const alert = decodeAlert(content);
    if (isMalformed(alert)) return countDrop(this.#surroundings.counters, 'malformed-alert');
    const { level, description } = alert;
    if (level !== 'fatal' && description !== 'close_notify') return;
    const { claimedIdentity } = association.progress!.machine;
    this.#end(
      association,
      {
        reason: 'alert-received',
        text: `the ${otherRole(association)} ended the handshake with ${description}`,
        alert: description,
        ...(claimedIdentity !== undefined && { claimedIdentity }),
      },
      out,
    );
  }

  /** It is given up on this side, and the layer above knows. */
  abandon(association: DtlsAssociation, out: DtlsOutbox): void {
    const { counters, tables, sender } = this.#surroundings;
    sender.sendAlert(association, 'warning', 'close_notify', out);
    tables.leaveHandshake(association, 'fails');
    countRefusal(counters, 'cancelled');
  }

  /** With an alert to the peer where the failure names one. */
  refuse(association: DtlsAssociation, failure: HandshakeFailure, out: DtlsOutbox): void {
    const { sender } = this.#surroundings;
    const claimedIdentity = failure.claimedIdentity ?? association.progress!.machine.claimedIdentity;
    if (failure.alert !== undefined) sender.sendAlert(association, 'fatal', failure.alert, out);
    const { reason, text, alert } = failure;
    this.#end(
      association,
      {
        reason,
        text,
        ...(alert !== undefined && { alert }),
        ...(claimedIdentity !== undefined && { claimedIdentity }),
      },
      out,
    );
  }

  #end(association: DtlsAssociation, refusal: Refusal, out: DtlsOutbox): void {
    this.#surroundings.tables.leaveHandshake(association, 'fails');
    this.#report(association, refusal, out);
  }

  #report(association: DtlsAssociation, refusal: Refusal, out: DtlsOutbox): void {
    countRefusal(this.#surroundings.counters, refusal.reason);
    const from = association.address;
    out.emit({ kind: 'refused', from, refusal, ...(association.role === 'client' && { association }) });
  }

  #timedOut(association: DtlsAssociation, out: DtlsOutbox): void {
    const { endsAt: _, machine, forgedFinished, reassembler, writesEpoch1 } = association.progress!;
    const expected = machine.expects.join(' or ');
    if (forgedFinished > 0) return this.refuse(association, wrongKey(machine.claimedIdentity), out);
    if (reassembler.refusedBytes > 0) {
      const bound = this.#surroundings.parameters.maxHandshakeMessageBytes;
      return this.refuse(association, tooLong(otherRole(association), expected, reassembler.refusedBytes, bound), out);
    }
    // It was there until then, so that is the likeliest reason.
    const silent = association.role === 'client' && writesEpoch1 ? SILENT_AFTER_FINISHED : '';
    this.refuse(
      association,
      {
        reason: 'timeout',
        text: `the ${otherRole(association)} went silent: ${expected} did not come${silent}`,
        alert: undefined,
      },
      out,
    );
  }

  #newConnectionId(): Uint8Array | undefined {
    const { parameters, tables, crypto } = this.#surroundings;
    if (parameters.connectionIdLength === 'off') return undefined;
    return parameters.connectionIdLength === 0 ? new Uint8Array(0) : tables.connectionIds.make(crypto);
  }

  /** Gives the machine the messages that are whole and in order, until it stops or ends. */
  #advance(now: number, association: DtlsAssociation, out: DtlsOutbox): void {
    const progress = association.progress!;
    const { machine, reassembler } = progress;
    while (association.progress === progress && !machine.isWaitingForLookup) {
      const message = reassembler.next();
      if (message === undefined) return;
      if (machine.handleMessage(message, message.epoch)) {
        progress.lastMessage = message;
        this.#surroundings.tables.progressed(now, association);
        this.#settle(now, association, out);
      } else {
        reassembler.reject();
        countDrop(this.#surroundings.counters, 'unexpected-message');
        return;
      }
    }
  }

  /** Does what the machine noted. */
  #settle(now: number, association: DtlsAssociation, out: DtlsOutbox): void {
    const progress = association.progress!;
    const { newParameters, newFlight, newLookup } = progress;
    if (newParameters !== undefined) {
      progress.newParameters = undefined;
      this.#takeKeys(association, newParameters);
    }
    if (newFlight !== undefined) {
      progress.newFlight = undefined;
      progress.flight = newFlight.items;
      this.#retransmission(now, association, newFlight.last ? 'lastFlightMade' : 'flightMade', out);
    }
    if (newLookup !== undefined) {
      progress.newLookup = undefined;
      this.#ask(now, association, newLookup, out);
      return;
    }
    if (progress.failure !== undefined) this.refuse(association, progress.failure, out);
    else if (progress.result !== undefined) this.#open(now, association, progress.result, out);
    else this.#schedule(association);
  }

  #takeKeys(association: DtlsAssociation, agreed: SecurityParameters): void {
    const { crypto, parameters, tables } = this.#surroundings;
    const isServer = association.role === 'server';
    // They may be views of a whole datagram, and are kept as long as the association.
    const clientToServerId = agreed.clientToServerId?.slice();
    const serverToClientId = agreed.serverToClientId?.slice();
    const keys: SecurityParameters = { ...agreed, clientToServerId, serverToClientId };
    association.parameters = keys;
    association.cipherSuite = keys.suite.name;
    association.read = createProtection(keys, isServer ? 'client' : 'server', crypto);
    association.write = createProtection(keys, isServer ? 'server' : 'client', crypto);
    association.window = new ReplayWindow(parameters.replayWindow);
    if ((isServer ? clientToServerId : serverToClientId) === undefined) tables.dropConnectionId(association);
    association.remoteConnectionId = isServer ? serverToClientId : clientToServerId;
  }

  #ask(now: number, association: DtlsAssociation, question: MachineLookup, out: DtlsOutbox): void {
    const { parameters, counters, tables } = this.#surroundings;
    const lookup: Lookup = { ...question, from: association.address };
    const pending = tables.lookups.ask(lookup, association);
    if (pending === undefined) {
      const text = `${parameters.maxLookups} look-ups of credentials are open already`;
      this.answer(now, association, { kind: 'failed', text }, out);
      return;
    }
    association.progress!.pendingLookup = pending;
    this.#retransmission(now, association, 'peerProceeded', out);
    this.#schedule(association);
    if (pending.lookup !== lookup) return;
    tables.deadlines.set(pending, now + parameters.lookupTimeout);
    counters.lookups++;
    out.emit({ kind: 'lookup', lookup });
  }

  #open(now: number, association: DtlsAssociation, result: HandshakeResult, out: DtlsOutbox): void {
    const { parameters, counters, tables, sender, open } = this.#surroundings;
    const progress = association.progress!;
    if (!tables.canOpen(now, association, result.principal)) {
      const text = this.#fullText('too-many-associations');
      return this.refuse(association, { reason: 'too-many-associations', text, alert: 'internal_error' }, out);
    }
    tables.leaveHandshake(association, 'opens');
    association.state = 'open';
    association.principal = result.principal;
    association.extendedMasterSecret = result.extendedMasterSecret;
    association.serverName = result.serverName;
    association.openedAt = now;
    if (association.role === 'client') association.session = result.session;
    else association.sessionId = result.session?.id;
    if (progress.retransmission.kind === 'finished') {
      association.lastFlight = {
        items: progress.flight,
        peerFinished: progress.lastMessage!,
        maxFragmentLength: progress.maxFragmentLength,
        retransmission: progress.retransmission,
      };
    }
    association.cookie = progress.cookie;
    if (association.lastFlight !== undefined || association.cookie !== undefined) {
      tables.deadlines.set(association, now + Math.max(parameters.handshakeTimeout, 2 * parameters.cookieLifetime));
    }
    const replaces = tables.enterOpen(now, association);
    if (replaces !== undefined) {
      tables.leaveOpen(replaces);
      open.count('replaced');
    }
    const { surplus } = tables;
    if (surplus !== undefined) open.close(surplus, 'evicted', out);
    counters.handshakesCompleted++;
    if (result.resumed) counters.handshakesResumed++;
    out.emit({
      kind: 'opened',
      association,
      resumed: result.resumed,
      ...(replaces !== undefined && { replaces }),
    });
    for (const plaintext of progress.deferredData) sender.sendData(association, plaintext, out);
  }

  #retransmission(now: number, association: DtlsAssociation, input: RetransmissionInput, out: DtlsOutbox): void {
    const { parameters, counters, sender } = this.#surroundings;
    const progress = association.progress!;
    const { state, effect } = retransmissionStep(progress.retransmission, input, now, parameters);
    progress.retransmission = state;
    if (effect === 'fail') return this.#timedOut(association, out);
    if (effect === 'none') return;
    if (input === 'timeout' || input === 'peerRepeated') counters.flightsRetransmitted++;
    sender.sendFlight(association, progress.flight, progress.maxFragmentLength, out);
    progress.writesEpoch1 ||= progress.flight.some((item) => item.kind === 'changeCipherSpec');
  }

  #schedule(association: DtlsAssociation): void {
    const { progress } = association;
    if (progress === undefined) return;
    const at = Math.min(progress.endsAt, retransmissionDeadline(progress.retransmission));
    this.#surroundings.tables.deadlines.set(association, at);
  }
}

function madeRoom(maxHandshakes: number): HandshakeFailure {
  const text = `the client went silent, and ${maxHandshakes} handshakes were under way, as many as may be`;
  return { reason: 'too-many-handshakes', text, alert: undefined };
}

/** The end of the handshake's time tells, not the message: anybody may have sent that. */
function tooLong(sender: string, expected: string, bytes: number, bound: number): HandshakeFailure {
  const text = `the ${sender}'s ${expected} has ${bytes} bytes, and at most ${bound} are read: make it shorter, or allow more`;
  return { reason: 'message-too-long', text, alert: undefined };
}

const SILENT_AFTER_FINISHED = '; many servers say nothing when the key is wrong or they do not know who asks';

/** With a pre-shared key nothing but the Finished tells that the two keys differ. RFC 4279 §2. */
export function wrongKey(claimedIdentity: string | undefined): HandshakeFailure {
  const whose = claimedIdentity === undefined ? '' : ` of ${claimedIdentity}`;
  return {
    reason: 'wrong-key',
    text: `the Finished${whose} does not decrypt: the keys on the two sides differ`,
    alert: 'decrypt_error',
  };
}

function otherRole(association: DtlsAssociation): 'client' | 'server' {
  return association.role === 'client' ? 'server' : 'client';
}
