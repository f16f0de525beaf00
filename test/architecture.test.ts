/**
 * The walls of ARCHITECTURE.md: the core is pure, imports go downwards only, libraries stand on nothing but each other.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, it } from 'node:test';
import ts from 'typescript';
import {
  adapterNames,
  descendants,
  manifestOf,
  moduleSpecifiers,
  packageNames,
  parseSource,
  place,
  readSource,
  root,
  sourcesBelow,
} from './sources.ts';

/** Packages without a socket, clock, timer, randomness, promise or console of their own. */
const PURE: readonly string[] = ['coap', 'lwm2m', 'dtls'].filter((name) => packageNames.includes(name));

/** What each package may import, by the name after `@lapwing/`. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  coap: [],
  lwm2m: ['coap'],
  dtls: [],
  transport: ['coap', 'dtls'],
  server: ['coap', 'dtls', 'lwm2m', 'transport'],
  client: ['coap', 'dtls', 'lwm2m', 'transport'],
  // The security store, the admission of devices and the control of associations are those of the Server. ADR 13.
  'bootstrap-server': ['coap', 'dtls', 'lwm2m', 'server', 'transport'],
  smartcard: ['coap', 'lwm2m'],
  testkit: ['coap', 'dtls', 'lwm2m', 'transport'],
};

/** What each adapter may import of the workspace, and what it takes from elsewhere when the application installed it. */
const ADAPTERS: Readonly<
  Record<string, { readonly mayImport: readonly string[]; readonly optionalPeers: readonly string[] }>
> = {
  'smartcard-pcsc': { mayImport: ['coap', 'smartcard'], optionalPeers: ['pcsc-mini'] },
};

/** Sockets and files belong to `transport`, the adapters and the apps. Looking up the host of a URI is neither. */
const IO_MODULES = /^(node:)?(dgram|net|tls|http|https|http2|fs|child_process|cluster|worker_threads)(\/|$)/;
/** What may be taken from `node:net`: functions over text. */
const PURE_NET_NAMES = new Set(['isIP', 'isIPv4', 'isIPv6']);

/** Modules that open sockets or files, as "place: module". */
function ioImports(file: ts.SourceFile): readonly string[] {
  return moduleSpecifiers(file)
    .filter(
      ({ text, names }) =>
        IO_MODULES.test(text) && !(text === 'node:net' && names.every((name) => PURE_NET_NAMES.has(name))),
    )
    .map(({ text, place }) => `${place}: ${text}`);
}

/** Globals that reach for the machine, the clock, chance or the event loop. */
const IMPURE_GLOBALS = new Set([
  'Buffer',
  'process',
  'require',
  'globalThis',
  'global',
  'console',
  'performance',
  'Temporal',
  'crypto',
  'fetch',
  'WebSocket',
  'Worker',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
  'queueMicrotask',
  'Promise',
  'PromiseLike',
  'AbortSignal',
  'AbortController',
  'EventTarget',
]);

/** Every use of a socket, clock, timer, randomness, promise or console in a file, as "place: what". */
function impurities(file: ts.SourceFile): readonly string[] {
  const found: string[] = [];
  const report = (node: ts.Node, what: string): void => void found.push(`${place(node)}: ${what}`);
  for (const { text, place } of moduleSpecifiers(file)) {
    if (!text.startsWith('.') && !text.startsWith('@lapwing/')) found.push(`${place}: import of ${text}`);
  }
  for (const node of descendants(file)) {
    if (node.kind === ts.SyntaxKind.AsyncKeyword) report(node, 'async');
    else if (node.kind === ts.SyntaxKind.AwaitKeyword) report(node, 'await');
    else if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && (node.arguments?.length ?? 0) === 0) {
      report(node, 'new Date()');
    } else if (ts.isCallExpression(node) && node.expression.getText() === 'Date') report(node, 'Date()');
    else if (ts.isPropertyAccessExpression(node) && /^(Math\.random|Date\.now)$/.test(node.getText())) {
      report(node, node.getText());
    } else if (ts.isIdentifier(node) && IMPURE_GLOBALS.has(node.text) && isReference(node) && !isDeclaredHere(node))
      report(node, node.text);
  }
  return found;
}

/** False for an identifier that names a member or declares something, rather than referring to it. */
function isReference(node: ts.Identifier): boolean {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isQualifiedName(parent)) return parent.left === node;
  if (ts.isBindingElement(parent)) return parent.initializer === node;
  if (
    ts.isPropertyAssignment(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isMethodDeclaration(parent) ||
    ts.isMethodSignature(parent) ||
    ts.isGetAccessor(parent) ||
    ts.isParameter(parent)
  ) {
    return parent.name !== node;
  }
  return true;
}

/** True for a name of a parameter or a variable of a function around it, as in `(crypto: DtlsCrypto) => crypto.hash(…)`. */
function isDeclaredHere(name: ts.Identifier): boolean {
  for (let node: ts.Node = name; !ts.isSourceFile(node); node = node.parent) {
    const declarations = ts.isFunctionLike(node) ? node.parameters : ts.isBlock(node) ? variablesOf(node) : [];
    if (declarations.some(({ name: declared }) => declaredNames(declared).includes(name.text))) return true;
  }
  return false;
}

function variablesOf(block: ts.Block): readonly ts.VariableDeclaration[] {
  return block.statements.flatMap((statement) =>
    ts.isVariableStatement(statement) ? statement.declarationList.declarations : [],
  );
}

function declaredNames(name: ts.BindingName): readonly string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) => (ts.isBindingElement(element) ? declaredNames(element.name) : []));
}

describe('core packages are sans-IO', () => {
  for (const name of PURE) {
    for (const path of sourcesBelow(`packages/${name}/src`)) {
      it(`${path} uses no socket, clock, timer, randomness, promise or console`, () => {
        assert.deepEqual(impurities(readSource(path)), []);
      });
    }
  }

  const CAUGHT = [
    "import { createSocket } from 'node:dgram';",
    "export { x } from 'cborg';",
    "const fs = require('fs');",
    "void import('node:fs');",
    'const now = Date.now();',
    'const now = new Date();',
    'const now = Date();',
    'const now = performance.now();',
    'setTimeout(() => {}, 1);',
    'const x = Math.random();',
    'crypto.getRandomValues(bytes);',
    'async function f() {}',
    'await x;',
    'const f = async () => 1;',
    'type T = Promise<number>;',
    'const all = Promise.all([]);',
    "console.log('x');",
    'Buffer.alloc(1);',
    'globalThis.setTimeout;',
    'const { exit } = process;',
    'for await (const x of y) {}',
    'const o = { process };',
    'function f(own: X) { return crypto.subtle; }',
    'class C { constructor(crypto: X) {} f() { return crypto.subtle; } }',
    'function f(own: X) { { const { crypto } = own; } return crypto.subtle; }',
  ];
  for (const text of CAUGHT) {
    it(`the guard catches: ${text}`, () => assert.notDeepEqual(impurities(parseSource('sample.ts', text)), []));
  }

  const PASSED = [
    '// setTimeout, Date.now() and console in a comment',
    '/** await a Promise */',
    "const text = 'setTimeout(Date.now())';",
    'const x = `console ${1}`;',
    'const moment = new Date(milliseconds);',
    'const o = { process: 1, crypto: 2 };',
    'o.process = o.console;',
    'interface I { readonly Buffer: number; fetch(): void }',
    "import { x } from './y.ts';",
    "import type { Code } from '@lapwing/coap';",
    'const time = Date.UTC(2026, 0);',
    'Math.max(1, 2);',
    'class C { constructor(crypto: X) { this.#hash = crypto.hash; } }',
    'const f = ({ crypto }: X) => crypto.hash(() => crypto);',
    'function f(own: X) { const { crypto } = own; return crypto.hash(() => crypto); }',
  ];
  for (const text of PASSED) {
    it(`the guard passes: ${text}`, () => assert.deepEqual(impurities(parseSource('sample.ts', text)), []));
  }
});

describe('imports go downwards only', () => {
  it('the guard tells opening a socket from looking at an address', () => {
    const found = (text: string): number => ioImports(parseSource('sample.ts', text)).length;
    assert.equal(found("import { isIP, isIPv6 } from 'node:net';"), 0);
    assert.equal(found("import { isIP, connect } from 'node:net';"), 1);
    assert.equal(found("import net from 'node:net';"), 1);
    assert.equal(found("import * as net from 'node:net';"), 1);
    assert.equal(found("import 'node:net';"), 1);
    assert.equal(found("import { readFile } from 'node:fs/promises';"), 1);
  });

  it('every package has its row', () =>
    assert.deepEqual(
      packageNames.filter((name) => !(name in MAY_IMPORT)),
      [],
    ));

  for (const name of packageNames) {
    const allowed = (MAY_IMPORT[name] ?? []).map((each) => `@lapwing/${each}`);

    it(`packages/${name} imports only ${allowed.join(', ') || 'itself'}, by package name`, () => {
      const wrong: string[] = [];
      for (const path of sourcesBelow(`packages/${name}/src`)) {
        for (const { text, place } of moduleSpecifiers(readSource(path))) {
          const inside = text.startsWith('.')
            ? !relative(`packages/${name}/src`, join(dirname(path), text)).startsWith('..')
            : allowed.includes(text) || text.startsWith('node:');
          if (!inside) wrong.push(`${place}: ${text}`);
        }
      }
      assert.deepEqual(wrong, []);
    });

    it(`packages/${name} has no runtime dependency outside of the workspace, and declares what it imports`, () => {
      const manifest = manifestOf(name);
      const declared = [manifest.dependencies, manifest.peerDependencies].flatMap((each) => Object.keys(each ?? {}));
      assert.deepEqual(
        declared.filter((each) => !allowed.includes(each)),
        [],
      );
      const imported = new Set(
        sourcesBelow(`packages/${name}/src`).flatMap((path) =>
          moduleSpecifiers(readSource(path)).map(({ text }) => text),
        ),
      );
      assert.deepEqual(
        [...imported].filter((each) => each.startsWith('@lapwing/') && !declared.includes(each)),
        [],
      );
    });

    if (name !== 'transport' && name !== 'testkit') {
      it(`packages/${name} opens no socket and no file`, () => {
        assert.deepEqual(
          sourcesBelow(`packages/${name}/src`).flatMap((path) => ioImports(readSource(path))),
          [],
        );
      });
    }
  }

  it('no library needs node:assert, except the store conformance suite of packages/server, which is an export of its own', () => {
    const reached = (path: string, seen = new Set<string>()): ReadonlySet<string> => {
      if (seen.has(path)) return seen;
      seen.add(path);
      for (const { text } of moduleSpecifiers(readSource(path))) {
        if (text.startsWith('.')) reached(join(dirname(path), text), seen);
        else seen.add(text);
      }
      return seen;
    };
    const asserting = (path: string): boolean => [...reached(path)].some((each) => /^node:assert/.test(each));
    for (const name of packageNames.filter((each) => manifestOf(each).private !== true))
      assert.equal(asserting(`packages/${name}/src/index.ts`), false, name);
    assert.equal(asserting('packages/server/src/registration-store-conformance.ts'), true);
  });

  it('every adapter has its row', () =>
    assert.deepEqual(
      adapterNames.filter((name) => !(name in ADAPTERS)),
      [],
    ));

  for (const name of adapterNames) {
    const { mayImport, optionalPeers } = ADAPTERS[name] ?? { mayImport: [], optionalPeers: [] };
    const allowed = mayImport.map((each) => `@lapwing/${each}`);
    const manifest = manifestOf(name, 'adapters');

    it(`adapters/${name} imports only ${allowed.join(', ')}, by package name, and what Node has`, () => {
      const wrong: string[] = [];
      for (const path of sourcesBelow(`adapters/${name}/src`)) {
        for (const { text, place } of moduleSpecifiers(readSource(path))) {
          const inside = text.startsWith('.')
            ? !relative(`adapters/${name}/src`, join(dirname(path), text)).startsWith('..')
            : allowed.includes(text) || text.startsWith('node:');
          if (!inside) wrong.push(`${place}: ${text}`);
        }
      }
      assert.deepEqual(wrong, []);
    });

    it(`adapters/${name} depends on these, and on others as optional peers only, which the lockfile does not install`, () => {
      assert.deepEqual(Object.keys(manifest.dependencies ?? {}).sort(), [...allowed].sort());
      assert.deepEqual(Object.keys(manifest.optionalDependencies ?? {}), []);
      assert.deepEqual(Object.keys(manifest.peerDependencies ?? {}), optionalPeers);
      const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
        readonly packages: Readonly<Record<string, unknown>>;
      };
      for (const peer of optionalPeers) {
        assert.equal(manifest.peerDependenciesMeta?.[peer]?.optional, true);
        assert.ok(!Object.keys(packages).some((path) => path.endsWith(`node_modules/${peer}`)), peer);
      }
    });
  }

  for (const app of ['lapwing', 'console']) {
    it(`apps/${app} imports packages by their names only`, () => {
      const wrong = sourcesBelow(`apps/${app}/src`)
        .flatMap((path) => moduleSpecifiers(readSource(path)).map(({ text, place }) => ({ text, place, path })))
        .filter(({ text, path }) =>
          text.startsWith('.')
            ? relative(`apps/${app}`, join(dirname(path), text)).startsWith('..')
            : text.startsWith('@lapwing/') && (app === 'console' || text.split('/').length > 2),
        )
        .map(({ text, place }) => `${place}: ${text}`);
      assert.deepEqual(wrong, []);
    });
  }

  it('the folders that this test reads exist', () => {
    for (const folder of ['packages/coap/src', 'packages/lwm2m/src', 'packages/transport/src', 'apps/lapwing/src']) {
      assert.ok(existsSync(join(root, folder)), folder);
      assert.ok(sourcesBelow(folder).length > 0, folder);
    }
  });
});
