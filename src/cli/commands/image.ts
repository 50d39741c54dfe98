/** `subako image`: what containers are made from. */
import { Command } from 'commander';
import { buildCommand } from './image-build.ts';
import { exportCommand, importCommand } from './image-archive.ts';
import { historyCommand, listCommand, pruneCommand, removeCommand, showCommand, tagCommand } from './image-list.ts';
import { scanCommand } from './image-scan.ts';
import { loginCommand, logoutCommand, pullCommand, pushCommand } from './image-registry.ts';

export function imageCommand(): Command {
  const image = new Command('image').description('images: what containers are made from');
  const commands = [
    pullCommand,
    pushCommand,
    () => listCommand('ls'),
    showCommand,
    historyCommand,
    () => removeCommand('rm'),
    tagCommand,
    buildCommand,
    importCommand,
    exportCommand,
    pruneCommand,
    scanCommand,
    loginCommand,
    logoutCommand,
  ];
  for (const create of commands) image.addCommand(create());
  return image;
}

/** As docker has them. */
export function imagesCommand(): Command {
  return listCommand('images');
}

export function rmiCommand(): Command {
  return removeCommand('rmi');
}
