/** `subako domain`: the names of a site. */
import { Command } from 'commander';
import { domainPrimaryCommand } from './domain-primary.ts';

export function domainCommand(): Command {
  return new Command('domain').description('names of a site').addCommand(domainPrimaryCommand());
}
