/** Holds the documents to the tree and to the command line: what a reader clicks, opens or types must be there. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from './program.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DOCUMENTS = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md'], { cwd: ROOT }).toSorted();
/** What it tells of an older Subako is not to be found any more. */
const TODAY = DOCUMENTS.filter((path) => path !== 'CHANGELOG.md');

const program = createProgram('1.2.3');

function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** The anchors that headings of a document get, as GitHub makes them. */
function anchorsOf(path: string): string[] {
  const headings = [...textOf(path).matchAll(/^#+ (.+)$/gmu)].map(([, text = '']) => text);
  return headings.map((text) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Links of a document that lead nowhere. Addresses on the web are not asked for. */
function brokenLinks(path: string): string[] {
  const targets = [...textOf(path).matchAll(/\]\(([^)\s]+)\)/gu)].map(([, target = '']) => target);
  return targets.filter((target) => !/^(?:https?|mailto):/u.test(target)).filter((target) => !leadsSomewhere(path, target));
}

function leadsSomewhere(from: string, target: string): boolean {
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? from : join(dirname(from), file);
  return existsSync(join(ROOT, path)) && (anchor === undefined || anchorsOf(path).includes(anchor));
}

/** Files of this repository that a document names in code and that are not there. `<name>` and `NNN` stand for anything. */
function missingFiles(path: string): string[] {
  const names = [...textOf(path).matchAll(/`((?:(?:src|test|tools|bench|bin|examples)\/|docs\/(?=\S+\.md))[^`\s]+)`/gu)].map(([, name = '']) => name);
  return names.filter((name) => !isThere(name));
}

function isThere(name: string): boolean {
  const pattern = name.replace(/:\d+$/u, '').replaceAll(/<[^>]+>|NNN-\w+/gu, '*');
  return globSync([pattern, `${pattern}.ts`, `${pattern}.test.ts`], { cwd: ROOT }).length > 0;
}

/** Command lines that a document shows, in a block of code or in a sentence. */
function commandLines(path: string): string[] {
  const text = textOf(path);
  const blocks = [...text.matchAll(/^```(?:sh|console)?\n([\s\S]*?)^```$/gmu)].flatMap(([, block = '']) => block.replaceAll('\\\n', ' ').split('\n'));
  const inline = [...text.replaceAll(/^```[\s\S]*?^```$/gmu, '').matchAll(/`([^`\n]+)`/gu)].map(([, code = '']) => code);
  return [...blocks, ...inline].flatMap((line) => /^(?:\s*\$ )?\s*(?:\.\/)?subako (.+)$/u.exec(line)?.[1] ?? []);
}

/** What is wrong with a command line: a command or an option that is not there. Undefined: nothing. */
function faultIn(line: string): string | undefined {
  const said = line.split(/\s#|\s{2,}|[|&;>]/u)[0]?.replaceAll(/\[|\]…?/gu, '') ?? '';
  const words = said.match(/'[^']*'|"[^"]*"|\S+/gu) ?? [];
  let command: Command = program;
  let isOperand = false;
  for (const [index, word] of words.entries()) {
    if (['--', '…', 'COMMAND'].includes(word)) return undefined;
    if (word.startsWith('-')) {
      if (!hasOption(command, word)) return `${command.name()} has no ${word}`;
      continue;
    }
    const child: Command | undefined = isOperand ? undefined : command.commands.find((one) => [one.name(), ...one.aliases()].includes(word));
    if (child === undefined && command.commands.length > 0 && !takesValue(command, words[index - 1])) return `there is no command ${word} of ${command.name()}`;
    if (child === undefined && isHandedOn(command) && !takesValue(command, words[index - 1])) return undefined;
    isOperand = child === undefined;
    command = child ?? command;
  }
  return undefined;
}

function optionOf(command: Command, word = ''): Command['options'][number] | undefined {
  return command.options.find(({ long, short }) => long === word.split('=')[0] || short === word);
}

function hasOption(command: Command, word: string): boolean {
  if (['--help', '-h'].includes(word) || (command === program && word === '--version')) return true;
  // Letters that stand together: `-it`, `-tf`.
  const letters = /^-\w{2,}$/u.test(word) ? (word.match(/\w/gu) ?? []).map((letter) => `-${letter}`) : [word];
  return letters.every((one) => optionOf(command, one) !== undefined);
}

function takesValue(command: Command, word: string | undefined): boolean {
  return word !== undefined && word.startsWith('-') && !word.includes('=') && optionOf(command, word)?.isBoolean() === false;
}

/** Whether another program's command line follows its first word, without `--` between them. */
function isHandedOn(command: Command): boolean {
  const last = command.registeredArguments.at(-1);
  return last?.name() === 'command' && !last.description.startsWith('after --');
}

/** Of all these documents; each fault with the document it is in. */
function faultsIn(documents: readonly string[], find: (path: string) => readonly string[]): string[] {
  return documents.flatMap((path) => find(path).map((fault) => `${path}: ${fault}`));
}

function wrongCommands(path: string): string[] {
  return commandLines(path).flatMap((line) => {
    const fault = faultIn(line);
    return fault === undefined ? [] : [`${fault}, in “subako ${line}”`];
  });
}

describe('the documents', () => {
  it('have no link that leads nowhere', () => {
    expect(faultsIn(DOCUMENTS, brokenLinks)).toEqual([]);
  });

  it('name no file of this repository that is not there', () => {
    expect(faultsIn(TODAY, missingFiles)).toEqual([]);
  });

  it('show no command and no option that does not exist', () => {
    expect(faultsIn(TODAY, wrongCommands)).toEqual([]);
  });

  it('are looked at with eyes that see: what is not there is told', () => {
    expect(leadsSomewhere('README.md', 'docs/states.md#what-a-crash-leaves')).toBe(true);
    expect(leadsSomewhere('README.md', 'docs/states.md#no-such-heading')).toBe(false);
    expect(leadsSomewhere('README.md', 'docs/no-such-page.md')).toBe(false);
    expect(isThere('test/e2e/visit')).toBe(true);
    expect(isThere('src/no-such-file.ts')).toBe(false);
    expect(commandLines('README.md').length).toBeGreaterThan(5);
    expect(faultIn('site create shop.localhost --image shop:1.4 --port 8080')).toBeUndefined();
    expect(faultIn('run --rm -it debian:13 bash --login')).toBeUndefined();
    expect(faultIn('site creat shop.localhost')).toBe('there is no command creat of site');
    expect(faultIn('site create shop.localhost --imgae shop:1.4')).toBe('create has no --imgae');
  });
});
