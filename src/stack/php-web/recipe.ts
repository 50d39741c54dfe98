/** What is in the image that all stacks on PHP and a web server share. */
import { readFileSync } from 'node:fs';
import type { Recipe } from '../../image/recipe.ts';
import { codeRecipe } from '../code/code-recipe.ts';
import { CONFIG } from '../code/code-stack.ts';
import { renderApacheOfImage } from './apache.ts';
import { PHP_CONF, renderNginxOfImage, renderPhpConf } from './nginx.ts';

/** Names in a site's configuration. */
export const [NGINX_RULES, APACHE_RULES] = ['nginx-rules.conf', 'apache-rules.conf'];
export const SERVE = '/usr/share/subako/serve.pl';

const EXTENSIONS = ['fpm', 'cli', 'apcu', 'bcmath', 'curl', 'gd', 'intl', 'mbstring', 'mysql', 'opcache', 'sqlite3', 'xml', 'zip'];

export const PHP_WEB_RECIPE: Recipe = codeRecipe({
  name: 'php-web',
  packages: [...EXTENSIONS.map((name) => `php8.4-${name}`), 'nginx-light', 'apache2', 'ca-certificates'],
  files: [
    { path: SERVE, text: fromFolder('serve.pl') },
    { path: '/etc/subako/fpm.conf', text: fromFolder('fpm.conf') },
    { path: '/etc/subako/php.ini', text: fromFolder('php.ini') },
    { path: '/etc/subako/nginx.conf', text: renderNginxOfImage(`${CONFIG}/${NGINX_RULES}`) },
    { path: PHP_CONF, text: renderPhpConf() },
    { path: '/etc/subako/apache.conf', text: renderApacheOfImage(`${CONFIG}/${APACHE_RULES}`) },
  ],
  checks: [
    { name: 'php', argv: ['/usr/sbin/php-fpm8.4', '-v'], expect: /PHP (8\.4\.\d+)/u },
    { name: 'nginx', argv: ['/usr/sbin/nginx', '-v'], expect: /nginx\/([\d.]+)/u },
    { name: 'apache', argv: ['/usr/sbin/apache2', '-v'], expect: /Apache\/([\d.]+)/u },
    { name: 'serve', argv: ['perl', '-c', SERVE], expect: /(syntax OK)/u },
  ],
});

function fromFolder(name: string): string {
  return readFileSync(new URL(`files/${name}`, import.meta.url), 'utf8');
}
