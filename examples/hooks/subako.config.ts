/**
 * Hooks, ready to be tried:
 *
 *   ./subako config check examples/hooks/subako.config.ts
 *   ./subako up --detach --config examples/hooks/subako.config.ts
 *   ./subako site create mail.localhost
 *   touch /run/subako-queue && ./subako wake mail.localhost     # a mail waits: after 10 s, `ps` says that it is not to freeze yet
 *   rm /run/subako-queue                                        # and now it freezes
 */
import { existsSync } from 'node:fs';
import { defineConfig, type HookEvent } from 'subako';

const started = new Map<string, number>();

function count({ site = '' }: HookEvent): void {
  started.set(site, (started.get(site) ?? 0) + 1);
}

export default defineConfig({
  // Of all sites, and closer ones.
  sites: {
    '*': { freeze: '1m' },
    'mail.localhost': { freeze: '10s', idle: '1m' },
  },
  hooks: [
    { on: 'after-boot', run: count },
    // A function that vetoes. `ps` shows its reason, and the step is taken after half an hour at the latest.
    {
      on: 'before-freeze',
      sites: 'mail.localhost',
      vetoAtMost: '30m',
      run: () => (existsSync('/run/subako-queue') ? { veto: 'the mail queue is not empty' } : undefined),
    },
    // A command that does the same by exit code 75. It is a list: no shell reads it, unless it is one.
    { on: 'before-stop', sites: 'mail.localhost', deadline: '5s', run: ['/bin/sh', '-c', 'test ! -e /run/subako-queue || { echo "a mail waits"; exit 75; }'] },
    // What happened goes into the machine's log, with the event as JSON.
    { on: 'event', events: ['instance.died', 'instance.oom', 'hook.failed'], run: ['/usr/bin/logger', '-t', 'subako'] },
    // kill -HUP of the daemon.
    { on: 'signal', signal: 'SIGHUP', run: () => void process.stdout.write(`${JSON.stringify(Object.fromEntries(started))}\n`) },
    { on: 'timer', every: '1h', run: () => started.clear() },
  ],
});
