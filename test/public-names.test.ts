/**
 * What each package exports, one name per line in `test/public-names/<package>.txt`: a change of the public API is a
 * change of these files. `UPDATE_SNAPSHOTS=1 npm test -- test` writes them anew.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import ts from 'typescript';
import { adapterNames, manifestOf, packageNames, readSource, root } from './sources.ts';

type Names = Map<string, string>;

/** Names that a module exports, with their kind; `export * from` is followed inside the package. */
function exportedNames(path: string, importers: readonly string[] = []): Names {
  const names: Names = new Map();
  if (importers.includes(path)) return names;
  const file = readSource(path);
  for (const statement of file.statements) {
    if (ts.isExportDeclaration(statement)) {
      const from = statement.moduleSpecifier;
      const target = from !== undefined && ts.isStringLiteral(from) ? from.text : undefined;
      const inner = target?.startsWith('.')
        ? exportedNames(join(dirname(path), target), [...importers, path])
        : undefined;
      const clause = statement.exportClause;
      if (clause === undefined) {
        assert.ok(inner !== undefined, `${path} re-exports everything of ${target}: name what is meant`);
        for (const [name, kind] of inner) names.set(name, kind);
      } else if (ts.isNamedExports(clause)) {
        for (const { name, propertyName, isTypeOnly } of clause.elements) {
          const original = (propertyName ?? name).text;
          const local = inner ?? (target === undefined ? declaredNames(file) : undefined);
          const kind = local?.get(original) ?? (statement.isTypeOnly || isTypeOnly ? 'type' : 'value');
          names.set(name.text, kind);
        }
      } else names.set(clause.name.text, 'namespace');
    } else if (isExported(statement)) {
      for (const [name, kind] of declarations(statement)) names.set(name, mergedKind(names.get(name), kind));
    }
  }
  return names;
}

const isExported = (statement: ts.Statement): boolean =>
  ts.canHaveModifiers(statement) &&
  (ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false);

const declaredNames = (file: ts.SourceFile): Names => new Map(file.statements.flatMap((each) => declarations(each)));

/** A value and a type of one name are one export: `const MessageType` and `type MessageType`. */
const mergedKind = (known: string | undefined, kind: string): string =>
  known === undefined || known === kind ? kind : [known, kind].sort().join(' + ');

function declarations(statement: ts.Statement): (readonly [name: string, kind: string])[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => [name.getText(), 'const']);
  }
  if (ts.isFunctionDeclaration(statement)) return [[statement.name!.text, 'function']];
  if (ts.isClassDeclaration(statement)) return [[statement.name!.text, 'class']];
  if (ts.isInterfaceDeclaration(statement)) return [[statement.name.text, 'interface']];
  if (ts.isTypeAliasDeclaration(statement)) return [[statement.name.text, 'type']];
  return [];
}

/** Fixed order whatever the locale of the machine. */
const byCodeUnit = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

const libraries = [
  ...packageNames.map((name) => ({ name, folder: 'packages' })),
  ...adapterNames.map((name) => ({ name, folder: 'adapters' })),
].filter(({ folder, name }) => manifestOf(name, folder).private !== true);

for (const { folder, name } of libraries) {
  it(`${manifestOf(name, folder).name} exports the names of its snapshot`, () => {
    const names = exportedNames(`${folder}/${name}/src/index.ts`);
    assert.ok(names.size > 0, 'the package exports nothing');
    const lines = [...names].map(([exported, kind]) => `${exported}: ${kind}`).sort(byCodeUnit);
    const path = join(root, 'test/public-names', `${name}.txt`);
    if (process.env['UPDATE_SNAPSHOTS'] === '1') {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, `${lines.join('\n')}\n`);
      return;
    }
    assert.ok(existsSync(path), `no snapshot ${path}: run with UPDATE_SNAPSHOTS=1`);
    assert.deepEqual(
      lines,
      readFileSync(path, 'utf8').trimEnd().split('\n'),
      'run with UPDATE_SNAPSHOTS=1 if it is meant',
    );
  });
}
