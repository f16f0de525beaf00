#!/usr/bin/env node
// The command as npm links it: this file is there before the build, so that a clone has `npx lapwing` too.
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write('Lapwing is not built yet: run "npm start" or "npm run build" once.\n');
  process.exitCode = 1;
}
