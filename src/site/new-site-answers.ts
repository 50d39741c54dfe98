/** What an installed site is made with: what was asked for, and what is right where nothing was. */
import { SubakoError } from '../domain/errors.ts';
import { newSecret } from '../domain/ids.ts';
import type { NewSiteAnswers } from '../stack/stack.ts';
import type { CreateRequest } from './sites.ts';

const ADMIN_NAME = /^[a-z0-9][a-z0-9_.@-]{0,59}$/iu;
/** WordPress's column is no longer. */
const MAX_EMAIL = 100;
const EMAIL = /^[^\s@<>"']{1,64}@[^\s@<>"']{1,190}$/u;

/** @throws SubakoError `bad_setting` */
export function answersFor(request: CreateRequest, { domain, authority }: { readonly domain: string; readonly authority: string }): NewSiteAnswers {
  const adminUser = request.adminUser ?? 'admin';
  if (!ADMIN_NAME.test(adminUser)) throw new SubakoError('bad_setting', `“${adminUser}” is not a user name`, { hint: 'use letters, digits, and _ . - @' });
  const adminEmail = request.adminEmail ?? defaultEmail(domain);
  if (!EMAIL.test(adminEmail) || adminEmail.length > MAX_EMAIL)
    throw new SubakoError('bad_setting', `“${adminEmail}” is not an e-mail address`, { hint: 'write it like owner@example.org' });
  const title = (request.title ?? domain).slice(0, 200);
  return { title, adminUser, adminEmail, adminPassword: newSecret(18), authority };
}

function defaultEmail(domain: string): string {
  const email = `admin@${domain.includes('.') ? domain : `${domain}.invalid`}`;
  return email.length > MAX_EMAIL ? 'admin@site.invalid' : email;
}
