#!/usr/bin/env node
/**
 * The `lapwing` command. Nothing is imported before the version of Node.js is known to be new enough, and nothing here
 * needs a new one, so that an old one can say so.
 */
const OLDEST_NODE: readonly [major: number, minor: number] = [22, 18];

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
  process.stderr.write(
    `Lapwing needs Node.js ${OLDEST_NODE.join('.')} or newer and this is ${process.version}: install a newer one, or use "npm start", which brings its own.\n`,
  );
  process.exitCode = 1;
} else {
  // Whoever read the output may have gone (`npm start | head`); that is no reason to fail.
  process.stdout.on('error', () => undefined);
  const { runCommandLine } = await import('./command-line.ts');
  process.exitCode = await runCommandLine(process.argv.slice(2), process);
}

export {};
