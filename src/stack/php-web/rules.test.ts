import { describe, expect, it } from 'vitest';
import { CONCRETE5_RULES } from '../concrete5/concrete5.ts';
import { DRUPAL_RULES } from '../drupal/drupal.ts';
import { isForbidden } from './rules.ts';

const PLAIN = { forbidden: [] };

describe('what no web server before PHP shows', () => {
  it.each([
    '/.git/config',
    '/.env',
    '/a/.htaccess',
    '/dump.sql',
    '/config.php.bak',
    '/config.inc',
    '/a.php~',
    '/composer.json',
    '/a/package-lock.json',
    '/vendor/autoload.php',
    '/vendor/a/B.PHP',
  ])('is %s, whatever the stack', (path) => {
    for (const rules of [PLAIN, DRUPAL_RULES, CONCRETE5_RULES]) expect([path, isForbidden(rules, path)]).toEqual([path, true]);
  });

  it.each(['/', '/index.php', '/index.php/a/b', '/.well-known/security.txt', '/assets/vendor/a.js', '/robots.txt', '/a.json', '/envy', '/a.sqlx'])(
    'is not %s',
    (path) => {
      for (const rules of [PLAIN, DRUPAL_RULES, CONCRETE5_RULES]) expect([path, isForbidden(rules, path)]).toEqual([path, false]);
    },
  );
});

describe('what Drupal shows', () => {
  it.each([
    '/update.php',
    '/update.php/selection',
    '/core/install.php',
    '/core/modules/statistics/statistics.php',
    '/sites/default/files/css/a.css',
    '/core/misc/drupal.js',
    '/node/1',
    '/admin/config',
  ])('is %s', (path) => {
    expect(isForbidden(DRUPAL_RULES, path)).toBe(false);
  });

  it.each([
    '/sites/default/settings.php',
    '/sites/default/settings.local.php',
    '/sites/default/services.yml',
    '/sites/default/private/a.pdf',
    '/sites/default/files/evil.php',
    '/sites/default/files/evil.php/x',
    '/sites/default/files/a/b.PHP',
    '/sites/default/files/php/twig/a',
    '/sites/default/files/config_abc/sync/a',
    '/core/lib/Drupal.php',
    '/core/tests/a.css',
    '/modules/custom/a.module',
    '/themes/a/a.html.twig',
    '/core/core.services.yml',
    '/autoload.php',
    '/vendor/drush/a',
  ])('is never %s', (path) => {
    expect(isForbidden(DRUPAL_RULES, path)).toBe(true);
  });
});

describe('what concrete5 shows', () => {
  it.each([
    '/index.php/dashboard',
    '/application/files/1/2/a.jpg',
    '/concrete/css/a.css',
    '/concrete/js/a.js',
    '/packages/shop/css/a.css',
    '/about',
    '/application/files/cache/css/a.css',
  ])('is %s', (path) => {
    expect(isForbidden(CONCRETE5_RULES, path)).toBe(false);
  });

  it.each([
    '/application/config/database.php',
    '/application/config/generated_overrides/a',
    '/application/files/evil.php',
    '/application/files/tmp/a.jpg',
    '/application/files/incoming/a.zip',
    '/application/bootstrap/app.php',
    '/concrete/dispatcher.php',
    '/concrete/bin/concrete5',
    '/concrete/config/app.php',
    '/packages/shop/controller.php',
    '/packages/shop/db.xml',
    '/updates/concrete-9/index.php',
  ])('is never %s', (path) => {
    expect(isForbidden(CONCRETE5_RULES, path)).toBe(true);
  });
});
