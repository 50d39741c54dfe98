/** Every command for containers of images. */
import { attachCommand } from './attach.ts';
import { copyCommand } from './container-copy.ts';
import { inspectCommand, portCommand, statsCommand } from './container-look.ts';
import { killCommand, pauseCommand, removeCommand, restartCommand, stopCommand, unpauseCommand, waitCommand } from './container-move.ts';
import { createCommand, runCommand } from './run.ts';
import { networkCommand } from './network.ts';
import { volumeCommand } from './volume.ts';

export const containerCommands = [
  runCommand,
  createCommand,
  stopCommand,
  restartCommand,
  killCommand,
  removeCommand,
  pauseCommand,
  unpauseCommand,
  waitCommand,
  attachCommand,
  inspectCommand,
  statsCommand,
  portCommand,
  copyCommand,
  volumeCommand,
  networkCommand,
] as const;
