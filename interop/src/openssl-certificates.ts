/** Certificates made and judged by the `openssl` command, on keys of Node. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatPem, isMalformed, parsePem } from '@lapwing/dtls';
import { runTool } from './tool.ts';

export interface OpensslCertificate {
  readonly der: Uint8Array;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly privateKey: KeyObject;
}

export interface OpensslCertificateOptions {
  readonly commonName: string;
  /** Lines of an extension section (x509v3_config); undefined: version 1. */
  readonly extensions: readonly string[] | undefined;
  /** Default: the subject itself. */
  readonly issuer?: OpensslCertificate;
  /** Default: a new one on P-256. */
  readonly privateKey?: KeyObject;
  /** Default: SHA-256; 'none' for Ed25519. */
  readonly digest?: 'sha1' | 'md5' | 'sha256' | 'sha384' | 'none';
  /** From now on. */
  readonly days?: number;
}

export interface OpensslVerdict {
  readonly accepted: boolean;
  /** What it printed. */
  readonly text: string;
}

/** A folder of certificates; removed with it. */
export class OpensslCertificates implements AsyncDisposable {
  readonly folder: string;
  #files = 0;

  static async create(): Promise<OpensslCertificates> {
    return new OpensslCertificates(await mkdtemp(join(tmpdir(), 'lapwing-openssl-')));
  }

  private constructor(folder: string) {
    this.folder = folder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true });
  }

  async issue(options: OpensslCertificateOptions): Promise<OpensslCertificate> {
    const { commonName, extensions, issuer, digest = 'sha256', days = 30 } = options;
    const privateKey = options.privateKey ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const keyFile = await this.write('key', privateKey.export({ format: 'pem', type: 'pkcs8' }).toString());
    const certificateFile = join(this.folder, `${++this.#files}.pem`);
    const words = ['x509', '-new', '-subj', `/CN=${commonName}`, '-days', String(days), '-out', certificateFile];
    if (digest !== 'none') words.push(`-${digest}`);
    if (extensions !== undefined) {
      words.push(
        '-extensions',
        'section',
        '-extfile',
        await this.write('cnf', `[section]\n${extensions.join('\n')}\n`),
      );
    }
    if (issuer === undefined) words.push('-key', keyFile);
    else {
      const publicKey = createPublicKey(privateKey).export({ format: 'pem', type: 'spki' }).toString();
      words.push('-force_pubkey', await this.write('pub', publicKey));
      words.push('-CA', issuer.certificateFile, '-CAkey', issuer.keyFile);
    }
    const { status, stderr, stdout } = await runTool('openssl', words);
    if (status !== 0) throw new Error(`openssl ${words.join(' ')}: ${stderr}${stdout}`);
    return { der: await derOf(certificateFile), certificateFile, keyFile, privateKey };
  }

  /** `openssl verify` with these words, over a chain (the end entity first) and its trust anchors. */
  async verify(
    chain: readonly Uint8Array[],
    anchors: readonly Uint8Array[],
    words: readonly string[],
  ): Promise<OpensslVerdict> {
    const pem = (certificates: readonly Uint8Array[]): string =>
      certificates.map((der) => formatPem({ label: 'CERTIFICATE', der })).join('');
    const all = ['verify', '-no-CApath', '-no-CAstore', '-CAfile', await this.write('pem', pem(anchors)), ...words];
    if (chain.length > 1) all.push('-untrusted', await this.write('pem', pem(chain.slice(1))));
    all.push(await this.write('pem', pem(chain.slice(0, 1))));
    const { status, stderr, stdout } = await runTool('openssl', all);
    return { accepted: status === 0, text: `${stdout}${stderr}` };
  }

  /** A file of the folder with this content; its path. */
  async write(extension: string, content: string): Promise<string> {
    const path = join(this.folder, `${++this.#files}.${extension}`);
    await writeFile(path, content);
    return path;
  }
}

async function derOf(file: string): Promise<Uint8Array> {
  const blocks = parsePem(await readFile(file, 'latin1'));
  if (isMalformed(blocks)) throw new Error(`${file}: ${blocks.malformed}`);
  return blocks[0]!.der;
}
