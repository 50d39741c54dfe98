/** How a request for a WordPress site is divided between the edge's own files and the site's container. */
import { adminDoors } from './admin-doors.ts';
import { EDGE_VIEW } from './edge-view.ts';
import { guards } from './guards.ts';
import { NEVER_SERVED } from './never-served.ts';
import { UNTRUSTED } from './page-cache.ts';

/** Where the container sees WordPress. */
export const DOCUMENT_ROOT = '/srv/wordpress';

const ASSET =
  'css|js|mjs|map|json|png|jpe?g|gif|webp|avif|ico|svgz?|bmp|woff2?|ttf|otf|eot|mp4|m4v|webm|ogv|mp3|ogg|wav|m4a|pdf|txt|xml|zip|gz|docx?|xlsx?|pptx?|odt|wasm';

/** A script of the core. */
const SCRIPT = `      disable_symlinks on from=$trusted;
      try_files $uri =404;
      set $script $uri;
      error_page 502 = @wake;
      include ${EDGE_VIEW.config}/fastcgi.conf;`;

export function wordpressLocations(): string {
  const route = `${EDGE_VIEW.hosts}/$route_key`;
  return `${upstream()}
${guards()}

    root ${route}/core;
    set $trusted $document_root;
    index index.php;

    location ~ /\\.(?!well-known/) { return 404; }
    location ~* (?:~|\\.(?:${NEVER_SERVED}))$ { return 404; }
    location ~* ^/(?:wp-cron\\.php|wp-config(?:-sample)?\\.php|wp-admin/(?:install|setup-config)\\.php|readme\\.html|license\\.txt)$ { return 404; }
    location ~* ^/wp-includes/(?!js/tinymce/wp-tinymce\\.php$).*\\.php$ { return 404; }

    location ^~ /wp-content/ {
      root ${route};
      # Content is the tenant's: a symbolic link in it leads nowhere.
      disable_symlinks on from=${route}/wp-content;
      location ~ /\\. { return 404; }
      location ~* (?:~|\\.(?:${NEVER_SERVED}))$ { return 404; }
      # Nothing that was uploaded is ever run.
      location ~* ^/wp-content/(?:uploads|upgrade|cache|languages)/.*\\.php { return 404; }
      location ~ \\.php$ {
        try_files $uri =404;
        set $script $uri;
        error_page 502 = @wake;
        include ${EDGE_VIEW.config}/fastcgi.conf;
      }
      # A file with another spelling of .php is neither run nor shown.
      location ~* \\.php { return 404; }
      # A missing asset is simply missing; no site wakes for it.
      location ~* \\.(?:${ASSET})$ {
        include ${EDGE_VIEW.config}/asset.conf;
        try_files $uri =404;
      }
      include ${EDGE_VIEW.config}/asset.conf;
      try_files $uri @front;
    }

${adminDoors(SCRIPT)}

    location ~ \\.php$ {
${SCRIPT}
    }

    # Another spelling of .php is no script.
    location ~* \\.php$ { return 404; }

    location ~* ^/wp-(?:admin|includes)/.*\\.(?:${ASSET})$ {
      disable_symlinks on from=$trusted;
      include ${EDGE_VIEW.config}/asset.conf;
      try_files $uri =404;
    }

    location / {
      disable_symlinks on from=$trusted;
      try_files $uri $uri/ @front;
    }

    location @front {
      set $script /index.php;
      error_page 502 = @wake;
      include ${EDGE_VIEW.config}/fastcgi.conf;
    }`;
}

/** Leads to the container that a request is for. */
export function upstream(): string {
  const route = `${EDGE_VIEW.hosts}/$route_key`;
  return `
    # A site that is set to be open has one container for all.
    set $role $asked_role;
    if (-e ${route}/open) { set $role admin; }
    # Where several instances run, each slot leads to one of them.
    set $upstream $role.sock;
    if (-e ${route}/$role.$slot) { set $upstream $role.$slot; }`;
}

/** Everything that PHP is told. A closed list: what a visitor sends arrives only as HTTP_… and never as one of these. */
export function renderFastcgi(): string {
  const script = [`SCRIPT_FILENAME ${DOCUMENT_ROOT}$script`, 'SCRIPT_NAME $script', 'DOCUMENT_URI $script', `DOCUMENT_ROOT ${DOCUMENT_ROOT}`];
  const request = [
    'REQUEST_URI $request_uri',
    'QUERY_STRING $query_string',
    'REQUEST_METHOD $request_method',
    'CONTENT_TYPE $content_type',
    'CONTENT_LENGTH $content_length',
    'SERVER_PROTOCOL $server_protocol',
    'REQUEST_SCHEME $scheme',
  ];
  const where = [
    'GATEWAY_INTERFACE CGI/1.1',
    'SERVER_SOFTWARE nginx',
    'SERVER_NAME $host',
    'SERVER_PORT $asked_port',
    'SERVER_ADDR $asked_address',
    'REMOTE_ADDR $remote_addr',
    'REMOTE_PORT $remote_port',
    'REDIRECT_STATUS 200',
    'HTTP_HOST $host$port_suffix',
  ];
  return `fastcgi_pass unix:${EDGE_VIEW.hosts}/$route_key/$upstream;
${[...script, ...request, ...where].map((param) => `fastcgi_param ${param};`).join('\n')}
fastcgi_param HTTPS $https_flag if_not_empty;
# Headers that only a proxy in front of us could set honestly, and httpoxy.
${UNTRUSTED.map((name) => `fastcgi_param HTTP_${name} "" if_not_empty;`).join('\n')}
# The block editor says with it what a POST means; a GET means what it is.
fastcgi_param HTTP_X_HTTP_METHOD_OVERRIDE $method_override if_not_empty;
# The extra password is none of the site's business.
fastcgi_param HTTP_AUTHORIZATION $site_authorization if_not_empty;
add_header Cache-Status $page_bypassed always;
include ${EDGE_VIEW.config}/headers.conf;
`;
}

/** Headers of files that the edge serves itself. */
export function renderAsset(): string {
  return `default_type application/octet-stream;
add_header Cache-Control $asset_cache;
include ${EDGE_VIEW.config}/headers.conf;
# An uploaded SVG or HTML file may hold a script; shown alone, it may not run one.
add_header Content-Security-Policy $asset_policy;
`;
}
