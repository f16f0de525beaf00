/** The sources of the workspaces as syntax trees, for the tests that guard the architecture. */
import { existsSync, globSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

export const root: string = join(import.meta.dirname, '..');

export interface PackageManifest {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

const manifestedBelow = (folder: string): readonly string[] =>
  readdirSync(join(root, folder)).filter((name) => existsSync(join(root, folder, name, 'package.json')));

/** Folder names below `packages/`. */
export const packageNames: readonly string[] = manifestedBelow('packages');
/** Folder names below `adapters/`. */
export const adapterNames: readonly string[] = manifestedBelow('adapters');

export const manifestOf = (name: string, folder = 'packages'): PackageManifest =>
  JSON.parse(readFileSync(join(root, folder, name, 'package.json'), 'utf8')) as PackageManifest;

/** Paths from the root of the sources in a folder, tests left out. */
export const sourcesBelow = (folder: string): readonly string[] =>
  globSync(`${folder}/**/*.{ts,tsx}`, { cwd: root })
    .filter((path) => !/\.test\.tsx?$|node_modules|\/dist\//.test(path))
    .sort();

export const parseSource = (path: string, text: string): ts.SourceFile =>
  ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);

export const readSource = (path: string): ts.SourceFile => parseSource(path, readFileSync(join(root, path), 'utf8'));

/** Every node below `node`, itself included, in the order of the text. */
export function* descendants(node: ts.Node): Generator<ts.Node> {
  yield node;
  for (const child of node.getChildren()) yield* descendants(child);
}

/** "file.ts:12" for messages. */
export const place = (node: ts.Node): string => {
  const file = node.getSourceFile();
  return `${file.fileName}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
};

export interface ModuleUse {
  readonly text: string;
  /** What is taken from it: names, `*` for all of it or for an import whose names are not said. */
  readonly names: readonly string[];
  readonly place: string;
}

/** What the file imports or re-exports from, `import()` and `import type` included. */
export function moduleSpecifiers(file: ts.SourceFile): readonly ModuleUse[] {
  const found: ModuleUse[] = [];
  for (const node of descendants(file)) {
    const specifier =
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
        ? node.moduleSpecifier
        : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
          ? node.arguments[0]
          : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
            ? node.argument.literal
            : undefined;
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) {
      found.push({ text: specifier.text, names: namesTaken(node), place: place(node) });
    }
  }
  return found;
}

function namesTaken(node: ts.Node): readonly string[] {
  const bindings = ts.isImportDeclaration(node) ? node.importClause?.namedBindings : undefined;
  if (bindings === undefined || !ts.isNamedImports(bindings)) return ['*'];
  const names = bindings.elements.map(({ name, propertyName }) => (propertyName ?? name).text);
  return (node as ts.ImportDeclaration).importClause?.name === undefined ? names : ['*', ...names];
}
