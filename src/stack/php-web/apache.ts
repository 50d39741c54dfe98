/** Configuration of the Apache httpd in a container with PHP: of the image, and what differs from stack to stack. */
import { GATEWAY } from '../../domain/gateway.ts';
import { allForbidden } from './rules.ts';
import type { WebRules } from './rules.ts';

const MODULES = `mpm_event authn_core authn_file authz_core authz_host authz_user auth_basic access_compat alias deflate dir env expires filter headers
mime negotiation proxy proxy_fcgi remoteip reqtimeout rewrite setenvif`.split(/\s+/u);

/** ROOT and AT come with the command line. @param rules path of what differs */
export function renderApacheOfImage(rules: string): string {
  return `ServerRoot /tmp
DefaultRuntimeDir /tmp
PidFile /tmp/httpd.pid
Mutex file:/tmp default
${MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
Listen \${AT}
ServerName site
ServerTokens Prod
ServerSignature Off
TraceEnable Off
UseCanonicalName Off
FileETag MTime Size
StartServers 1
ServerLimit 2
ThreadsPerChild 25
MaxRequestWorkers 50
MinSpareThreads 1
MaxSpareThreads 50
ErrorLog /proc/self/fd/2
ErrorLogFormat "[httpd:%l] %M"
LogLevel warn
TypesConfig /etc/mime.types
DirectoryIndex index.php index.html
# The edge alone reaches the port, and says who asks and how.
RemoteIPHeader X-Real-IP
RemoteIPInternalProxy ${GATEWAY}
SetEnvIf X-Forwarded-Proto "^https$" HTTPS=on
RequestHeader unset Proxy early
DocumentRoot "\${ROOT}"
<Directory "/">
  AllowOverride None
  Require all denied
</Directory>
<Directory "\${ROOT}">
  Options FollowSymLinks
  AllowOverride All
  CGIPassAuth On
  Require all granted
</Directory>
<FilesMatch "\\.php$">
  <If "-f %{REQUEST_FILENAME}">
    SetHandler "proxy:unix:/tmp/fpm.sock|fcgi://localhost"
  </If>
</FilesMatch>
<Proxy "fcgi://localhost">
  ProxySet timeout=300
</Proxy>
Include ${rules}
`;
}

/** What differs from stack to stack: no .htaccess of the site's can take it back. */
export function renderApacheRules(rules: WebRules): string {
  const forbidden = allForbidden(rules).map((pattern) => `RedirectMatch 404 "(?i)${pattern}"`);
  const front = rules.frontController ? ['<Directory "${ROOT}">', '  FallbackResource /index.php', '</Directory>'] : [];
  return `${[...forbidden, ...front].join('\n')}\n`;
}
