/** Stack: Drupal, of its composer project. */
import { fileURLToPath } from 'node:url';
import { phpStack } from '../php-web/php-stack.ts';
import type { WebRules } from '../php-web/rules.ts';
import type { CodeStack } from '../stack.ts';

/** PHP that visitors may ask for: the front controller, and what lies right in core. All else is called by it. */
const RUN = '(?:index|update)\\.php|core/[^/]+\\.php|core/modules/statistics/statistics\\.php';

export const DRUPAL_RULES: WebRules = {
  forbidden: [
    // What modules and themes are made of.
    '\\.(?:engine|install|make|module|po|profile|theme|twig|tpl\\.php|xtmpl|ya?ml)$',
    '^/vendor/',
    '^/sites/(?:.+/)?(?:private|config|settings(?:\\.[^/]*)?\\.php|services\\.[^/]*)(?:/|$)',
    // Nothing that was uploaded is ever run.
    '^/sites/[^/]+/files/(?:.*\\.(?:php|phtml)(?:/|$)|php/|config_)',
    `^/(?!(?:${RUN})(?:/|$)).*\\.php(?:/|$)`,
    '^/core/(?:.*/)?tests/',
  ],
  frontController: true,
};

export const drupal: CodeStack = phpStack({
  name: 'drupal',
  rules: DRUPAL_RULES,
  roots: ['web', 'docroot', 'public'],
  sharedInRoot: ['sites/default/files'],
  welcome: fileURLToPath(new URL('../php-web/files/bring-your-own', import.meta.url)),
});
