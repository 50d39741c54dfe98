/** Stack: concrete5 (Concrete CMS), of its archive or its composer project. */
import { fileURLToPath } from 'node:url';
import { phpStack } from '../php-web/php-stack.ts';
import type { WebRules } from '../php-web/rules.ts';
import type { CodeStack } from '../stack.ts';

export const CONCRETE5_RULES: WebRules = {
  forbidden: [
    // All of it comes by the front controller.
    '^/(?!index\\.php(?:/|$)).*\\.php(?:/|$)',
    '^/(?:vendor|concrete/(?:bin|config|src|vendor|tests)|application/(?:bootstrap|config|src|vendor))(?:/|$)',
    '^/application/files/(?:tmp|incoming|cache/(?:doctrine|overrides|expensive|environment|pages))(?:/|$)',
    '^/packages/[^/]+/(?:src|vendor|config|tests|db\\.xml)(?:/|$)',
    '^/updates/',
    '\\.(?:ya?ml|xml\\.dist)$',
  ],
  frontController: true,
};

export const concrete5: CodeStack = phpStack({
  name: 'concrete5',
  rules: CONCRETE5_RULES,
  roots: ['public'],
  sharedInRoot: ['application/files', 'application/config', 'application/languages', 'packages'],
  welcome: fileURLToPath(new URL('../php-web/files/bring-your-own', import.meta.url)),
});
