// `npm test [-- path…]`: every test file below the given folders (default: all) with Node's own runner, straight from
// the TypeScript sources. A suite that needs a tool this machine lacks skips and says why; with
// LAPWING_REQUIRE_TOOLS=1 it fails instead, so that in CI nothing is skipped unseen.
import { globSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

const everywhere = [
  'packages/*/src',
  'packages/*/test',
  'adapters/*/src',
  'adapters/*/test',
  'apps/lapwing/src',
  'apps/lapwing/test',
  'apps/console/src',
  'conformance/src',
  'interop',
  'test',
];
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const files = globSync(
  everywhere.map((folder) => `${folder}/**/*.test.ts`),
  { exclude: (name) => name === 'node_modules' },
)
  .filter((file) => wanted.length === 0 || wanted.some((prefix) => file.startsWith(prefix.replace(/^\.\//, ''))))
  .sort();

if (files.length === 0) {
  console.error(`no test file below ${wanted.join(', ')}`);
  process.exit(2);
}

console.log(`Node.js ${process.versions.node}, ${files.length} files\n`);

const { status } = spawnSync(
  process.execPath,
  [
    '--conditions=src',
    '--disable-warning=ExperimentalWarning',
    '--test',
    '--test-concurrency=2',
    // A guard against a hanging suite, far above what any of them takes; no test asserts a time.
    '--test-timeout=600000',
    '--test-reporter=./tools/test-reporter.mjs',
    '--test-reporter-destination=stdout',
    ...files,
  ],
  { stdio: 'inherit' },
);
process.exit(status ?? 1);
