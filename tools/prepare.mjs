// Runs before `npm start` and `npm test`: installs when node_modules is missing or older than the lockfile, and builds
// what is older than its sources. It runs with whatever Node there is (20 or newer), so it has no dependencies and no
// syntax newer than Node 20; the builds themselves run on the Node that the lockfile pins.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);

const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : -Infinity);

const newestBelow = (path) => {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return -Infinity;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestBelow(join(path, name))), stat.mtimeMs);
};

const stop = (what, status) => {
  console.error(`lapwing: ${what}`);
  process.exit(status ?? 1);
};

const run = (what, command, args) => {
  const { status, signal, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) stop(`${what} could not be started: ${error.message}`);
  if (signal) stop(`${what} was ended by ${signal}`);
  if (status !== 0) stop(`${what} failed (see above)`, status);
};

const npm = (what, args) => {
  // npm names its own script in the environment of the scripts it runs; outside of npm the one in the PATH serves.
  const script = process.env.npm_execpath;
  if (script && /\.c?js$/.test(script)) run(what, process.execPath, [script, ...args]);
  else run(what, process.platform === 'win32' ? 'npm.cmd' : 'npm', args);
};

const [major] = process.versions.node.split('.').map(Number);
if (major < 20) stop(`Node ${process.versions.node} is too old to set Lapwing up; install Node 20 or newer.`);

if (modified('node_modules/.package-lock.json') < modified('package-lock.json')) {
  console.log('lapwing: installing what the lockfile names (about a minute, once)');
  npm('npm ci', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}

if (process.argv.includes('--build')) {
  const bundled = join('node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  const node = existsSync(bundled) ? bundled : process.execPath;
  run('the TypeScript build', node, ['node_modules/typescript-7/bin/tsc', '-b']);

  const console_ = 'apps/console';
  const sources = ['src', 'public', 'index.html', 'vite.config.ts', 'package.json'].map((name) => join(console_, name));
  if (modified(join(console_, 'dist/index.html')) < Math.max(...sources.map(newestBelow))) {
    console.log('lapwing: building the web console');
    run('the console build', node, ['node_modules/vite/bin/vite.js', 'build', console_, '--logLevel', 'warn']);
  }
}
