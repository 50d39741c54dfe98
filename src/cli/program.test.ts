import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { candidates } from './commands/completion.ts';
import { createProgram } from './program.ts';

const program = createProgram('1.2.3');

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text;
}

describe('the command line', () => {
  it('has the commands of the contract', () => {
    const names = program.commands.map((command) => command.name());
    expect(names).toEqual(
      expect.arrayContaining([
        'up',
        'down',
        'status',
        'site',
        'domain',
        'cert',
        'wake',
        'sleep',
        'ps',
        'top',
        'logs',
        'exec',
        'events',
        'doctor',
        'completion',
      ]),
    );
    expect(program.commands.find((command) => command.name() === 'site')?.commands.map((command) => command.name())).toEqual([
      'create',
      'ls',
      'show',
      'set',
      'deploy',
      'rollback',
      'releases',
      'admin-password',
      'rm',
      'import',
    ]);
  });

  it.each(leaves(program).map((command) => [command.name(), command] as const))('teaches %s by example', (_name, command) => {
    expect(helpOf(command)).toContain('Examples:\n  subako ');
  });

  it('takes --state, --run and --json with every command', () => {
    for (const command of leaves(program)) expect(command.options.map((option) => option.long)).toEqual(expect.arrayContaining(['--state', '--run', '--json']));
  });

  it('completes commands and options', () => {
    expect(candidates(program, ['si'])).toEqual(['site']);
    expect(candidates(program, ['site', ''])).toEqual(['create', 'ls', 'show', 'set', 'deploy', 'rollback', 'releases', 'admin-password', 'rm', 'import']);
    expect(candidates(program, ['domain', ''])).toEqual(['add', 'rm', 'ls', 'primary']);
    expect(candidates(program, ['cert', 'set', '--'])).toEqual(expect.arrayContaining(['--cert', '--key']));
    expect(candidates(program, ['site', 'create', '--ti'])).toEqual(['--title']);
    expect(candidates(program, ['up', '--h'])).toEqual(['--http', '--https', '--help']);
  });
});
