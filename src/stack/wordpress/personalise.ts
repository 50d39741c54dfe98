/** A WordPress that was installed for nobody becomes somebody's: what `install.php` would have written for other answers, at another time. */
import { createHash } from 'node:crypto';
import type { NewSiteAnswers, Query } from '../stack.ts';

/** The first administrator's. */
const ADMIN = 1;
/** Of a user's address; the site's name may be longer. */
const MAX_URL = 100;
const DATES: Readonly<Record<string, readonly string[]>> = {
  wp_posts: ['post_date', 'post_date_gmt', 'post_modified', 'post_modified_gmt'],
  wp_comments: ['comment_date', 'comment_date_gmt'],
  wp_users: ['user_registered'],
};

export async function personalise(own: Query, { from, to }: { readonly from: NewSiteAnswers; readonly to: NewSiteAnswers }): Promise<void> {
  await own('SET @age = (SELECT GREATEST(0, TIMESTAMPDIFF(SECOND, user_registered, UTC_TIMESTAMP())) FROM wp_users WHERE ID = ?)', [ADMIN]);
  await moveTimes(own);
  await nameSite(own, from, to);
  await nameAdmin(own, to);
}

/** Everything happened just now. */
async function moveTimes(own: Query): Promise<void> {
  for (const [table, columns] of Object.entries(DATES)) {
    const moved = columns.map((column) => `${column} = IF(${column} = 0, ${column}, ${column} + INTERVAL @age SECOND)`);
    await own(`UPDATE ${table} SET ${moved.join(', ')}`);
  }
  await own(
    "UPDATE wp_options SET option_value = option_value + @age WHERE option_name LIKE '%\\_transient\\_timeout\\_%' OR option_name = 'admin_email_lifespan'",
  );
  const [plan] = await own("SELECT option_value AS text, @age AS age FROM wp_options WHERE option_name = 'cron'");
  if (plan !== undefined)
    await own("UPDATE wp_options SET option_value = ? WHERE option_name = 'cron'", [laterPlan(String(plan['text']), Number(plan['age']))]);
}

async function nameSite(own: Query, from: NewSiteAnswers, to: NewSiteAnswers): Promise<void> {
  const moved = [from.authority, to.authority];
  await own("UPDATE wp_options SET option_value = REPLACE(option_value, ?, ?) WHERE option_name IN ('siteurl', 'home')", moved);
  await own('UPDATE wp_posts SET post_content = REPLACE(post_content, ?, ?), guid = REPLACE(guid, ?, ?)', [...moved, ...moved]);
  await own("UPDATE wp_options SET option_value = ? WHERE option_name = 'blogname'", [escapedHtml(to.title)]);
  await own("UPDATE wp_options SET option_value = ? WHERE option_name = 'admin_email'", [to.adminEmail]);
}

/** What visitors see of the user stays as it is: it does not hang on the name to log in with. */
async function nameAdmin(own: Query, { adminUser, adminEmail, adminPassword, authority }: NewSiteAnswers): Promise<void> {
  const columns = ['user_login', 'user_email', 'user_url', 'user_pass'];
  const url = `http://${authority}`;
  const values = [adminUser, adminEmail, url.length > MAX_URL ? '' : url, firstHash(adminPassword)];
  await own(`UPDATE wp_users SET ${columns.map((column) => `${column} = ?`).join(', ')} WHERE ID = ?`, [...values, ADMIN]);
}

/** WordPress's plan of timed work, so many seconds later. All its numbers of ten digits are times. */
export function laterPlan(serialised: string, seconds: number): string {
  return serialised.replaceAll(/\bi:(\d{10});/gu, (_all, time: string) => `i:${Number(time) + seconds};`);
}

/** As WordPress keeps a title. */
function escapedHtml(text: string): string {
  const signs: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#039;' };
  return text.replaceAll(/[&<>"']/gu, (sign) => signs[sign] ?? sign);
}

/**
 * The oldest form that WordPress accepts; it hashes the password in its present one when its owner logs in first. That password is random, of
 * 144 bits: nobody finds it by trying, however quick the hash.
 */
function firstHash(password: string): string {
  return createHash('md5').update(password).digest('hex');
}
