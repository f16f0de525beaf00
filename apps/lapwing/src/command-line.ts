/** The commands of `lapwing` and their options. Exit codes: 0 done, 1 failed, 2 not understood, 3 a device failed a case. */
import { Command, CommanderError } from 'commander';
import { bootstrapCommands } from './bootstrap-commands.ts';
import { CasesFailed, conformanceCommand } from './conformance-command.ts';
import { SETTINGS } from './configuration.ts';
import { deviceCommands } from './device-commands.ts';
import { firmwareCommands } from './firmware-commands.ts';
import { RequestFailed } from './rest-client.ts';
import { securityCommands } from './security-commands.ts';
import { serve, type Terminal } from './serve.ts';
import { StartFailure } from './start-failure.ts';
import { VERSION } from './version.ts';
import { watchCommands } from './watch-commands.ts';

export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  const program = new Command('lapwing')
    .description('An OMA LwM2M Server with a web console, a REST API and simulated devices.')
    .version(VERSION)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
    });
  withSettings(program).action((flags: Record<string, unknown>) => serve(flags, terminal));
  withSettings(program.command('serve').description('start the server (also without a command)')).action(
    (flags: Record<string, unknown>) => serve(flags, terminal),
  );
  deviceCommands(program, terminal);
  watchCommands(program, terminal);
  firmwareCommands(program, terminal);
  securityCommands(program, terminal);
  bootstrapCommands(program, terminal);
  conformanceCommand(program, terminal);
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof CasesFailed) return 3;
    if (!(error instanceof StartFailure || error instanceof RequestFailed)) throw error;
    terminal.stderr.write(`${error.message}\n`);
    return 1;
  }
}

function withSettings(command: Command): Command {
  for (const { key, flag, kind, description, standard } of SETTINGS) {
    const value = kind === 'boolean' ? '' : kind === 'integer' ? ' <number>' : ' <text>';
    const shown =
      kind === 'boolean' || (typeof standard !== 'string' && typeof standard !== 'number')
        ? ''
        : ` (default: ${standard})`;
    const wording = kind === 'boolean' ? description.replace(/^(?=start|serve)/, 'do not ') : description;
    command.option(flag + value, wording + shown);
    // A `--no-…` would count as given, with true, and hide the environment and the file.
    if (kind === 'boolean') command.setOptionValue(key, undefined);
  }
  command.option('--config <file>', 'JSON file of settings by name, like {"coapPort": 5683} (or LAPWING_CONFIG)');
  return command.addHelpText(
    'after',
    '\nEach option can also be an environment variable: --coap-port is LAPWING_COAP_PORT, --no-demo is LAPWING_DEMO=false.\nFlags count more than the environment, which counts more than the file.',
  );
}
