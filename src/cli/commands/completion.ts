/** `subako completion`: scripts that teach shells our commands. */
import { Command, Help, Option } from 'commander';
import type { Command as AnyCommand } from 'commander';
import { SubakoError } from '../../domain/errors.ts';

export function completionCommand(): Command {
  return new Command('completion')
    .description('print a script that completes commands, options and domains')
    .argument('<shell>', 'bash, zsh or fish')
    .addOption(new Option('--words <line>', 'the words that may follow; used by the scripts').hideHelp())
    .addHelpText(
      'after',
      `
Examples:
  subako completion bash > /etc/bash_completion.d/subako
  subako completion zsh  > "\${fpath[1]}/_subako"
  subako completion fish > ~/.config/fish/completions/subako.fish`,
    )
    .action((shell: string, options: { words?: string }, command: Command) => {
      if (options.words !== undefined) return print(candidates(rootOf(command), options.words.split(/\s+/u)).join('\n'));
      const script = SCRIPTS[shell];
      if (script === undefined) throw new SubakoError('bad_usage', `there is no completion for ${shell}`, { hint: 'choose bash, zsh or fish' });
      return print(script);
    });
}

/** Subcommands and options that may follow the words typed so far; the last of them is being typed. */
export function candidates(program: AnyCommand, words: readonly string[]): string[] {
  let at = program;
  for (const word of words.slice(0, -1)) at = at.commands.find((command) => command.name() === word) ?? at;
  const typed = words.at(-1) ?? '';
  const visible = new Set(new Help().visibleCommands(at));
  const commands = at.commands.filter((command) => visible.has(command)).map((command) => command.name());
  const options = at.options.filter((option) => !option.hidden).map((option) => option.long ?? '');
  return (typed.startsWith('-') ? [...options, '--help'] : commands).filter((word) => word.startsWith(typed) && word !== '');
}

function rootOf(command: AnyCommand): AnyCommand {
  return command.parent === null ? command : rootOf(command.parent);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Domains come from the running platform; without one there are none to complete. */
const DOMAINS = `subako site ls --json 2>/dev/null | grep -o '"domain":"[^"]*"' | cut -d'"' -f4`;

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_subako() {
  local cur="\${COMP_WORDS[COMP_CWORD]}"
  local words; words="$(subako completion bash --words="\${COMP_WORDS[*]:1:COMP_CWORD}" 2>/dev/null)"
  [ -n "$words" ] || [ "\${cur#-}" != "$cur" ] || words="$(${DOMAINS})"
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _subako subako ./subako`,
  zsh: `#compdef subako
_subako() {
  local -a found
  found=(\${(f)"$(subako completion zsh --words="\${(j: :)words[2,CURRENT]}" 2>/dev/null)"})
  [[ -n "$found" ]] || found=(\${(f)"$(${DOMAINS})"})
  compadd -a found
}
_subako "$@"`,
  fish: `function __subako_words
  set -l line (commandline -opc)[2..] (commandline -ct)
  set -l found (subako completion fish --words="$line" 2>/dev/null)
  if test -n "$found"
    printf '%s\\n' $found
  else
    ${DOMAINS}
  end
end
complete -c subako -f -a '(__subako_words)'`,
};
