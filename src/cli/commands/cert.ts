/** `subako cert`: certificates of sites' names. */
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import type { AuthorityReply, CertificateReply } from '../../api/types.ts';
import { SubakoError } from '../../domain/errors.ts';
import { contextOf } from '../context.ts';
import { table } from '../output.ts';

export function certCommand(): Command {
  return new Command('cert')
    .description('certificates, one for each name; made and renewed by themselves where that is possible')
    .addCommand(list())
    .addCommand(set())
    .addCommand(leaf('renew', 'ask for a new one now', '  subako cert renew blog.example.org').action(renew))
    .addCommand(
      leaf('rm', 'take a pair of your own away; the name gets one of ours where that is possible', '  subako cert rm shop.example.org').action(remove),
    )
    .addCommand(authority());
}

function leaf(name: string, description: string, example: string): Command {
  return new Command(name).description(description).argument('<name>').addHelpText('after', `\nExamples:\n${example}`);
}

function list(): Command {
  return new Command('ls')
    .alias('list')
    .description('every name: who signed its certificate, until when, and what went wrong')
    .addHelpText('after', '\nExamples:\n  subako cert ls\n  subako cert ls --json')
    .action(async (_options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const certificates = await client.get<CertificateReply[]>('/v1/certificates');
      output.show(certificates, () => certificateTable(certificates));
    });
}

function set(): Command {
  return new Command('set')
    .description('use a certificate of your own')
    .argument('<name>')
    .requiredOption('--cert <file>', 'the certificate in PEM form, followed by those of its issuers')
    .requiredOption('--key <file>', 'its key in PEM form, without a passphrase')
    .addHelpText(
      'after',
      '\nIt is checked first: key, name, dates and order. You renew it yourself.\n\nExamples:\n  subako cert set shop.example.org --cert fullchain.pem --key privkey.pem',
    )
    .action(async (name: string, files: { cert: string; key: string }, command: Command) => {
      const { client, output } = contextOf(command);
      const pair = { chain: await read(files.cert), key: await read(files.key) };
      const certificate = await client.put<CertificateReply>(`/v1/certificates/${encodeURIComponent(name)}`, pair);
      output.show(certificate, () => certificateTable([certificate]));
    });
}

function authority(): Command {
  return new Command('ca')
    .description('the authority that signs certificates of local names, and how to trust it')
    .option('--pem', 'print the certificate itself')
    .addHelpText('after', '\nExamples:\n  subako cert ca\n  subako cert ca --pem > subako-ca.pem')
    .action(async ({ pem = false }: { pem?: boolean }, command: Command) => {
      const { client, output } = contextOf(command);
      const reply = await client.get<AuthorityReply>('/v1/certificate-authority');
      output.show(reply, () => (pem ? reply.pem.trim() : howToTrust(reply.path)));
    });
}

async function renew(name: string, _options: unknown, command: Command): Promise<void> {
  const { client, output } = contextOf(command);
  output.progress(`asking for a certificate for ${name}`);
  const certificate = await client.post<CertificateReply>(`/v1/certificates/${encodeURIComponent(name)}/renew`);
  output.show(certificate, () => certificateTable([certificate]));
}

async function remove(name: string, _options: unknown, command: Command): Promise<void> {
  const { client, output } = contextOf(command);
  const certificate = await client.delete<CertificateReply>(`/v1/certificates/${encodeURIComponent(name)}`);
  output.show(certificate, () => certificateTable([certificate]));
}

function certificateTable(certificates: readonly CertificateReply[]): string {
  const rows = certificates.map(({ name, source, status, issuer, until, renewAt, lastError, retryAt }) => {
    const next = retryAt ?? renewAt;
    return [name, source ?? '-', status, issuer ?? '-', until === null ? '-' : minute(until), next === null ? '-' : minute(next), lastError ?? ''];
  });
  return table(['NAME', 'SOURCE', 'STATUS', 'ISSUER', 'UNTIL', 'NEXT TRY', 'WHAT WENT WRONG'], rows);
}

function minute(at: number): string {
  return new Date(at).toISOString().replace('T', ' ').slice(0, 16);
}

function howToTrust(path: string): string {
  return `The certificate of the local authority is
  ${path}
Names below localhost, test, local, internal and home.arpa have certificates of it. It can speak for no other name, even if you trust it.

To trust it, where your browser runs:
  Debian, Ubuntu   cp ${path} /usr/local/share/ca-certificates/subako.crt && update-ca-certificates
  Chrome (Linux)   certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n subako -i ${path}
  Firefox          Settings, Certificates, View Certificates, Authorities, Import
  macOS            security add-trusted-cert -k ~/Library/Keychains/login.keychain-db ${path}
  Windows          certutil -addstore -user Root ${path}
  curl             curl --cacert ${path} https://…`;
}

async function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new SubakoError('bad_usage', `${path} cannot be read: ${error.code ?? error.message}`, { hint: 'give a file in PEM form' });
  });
}
