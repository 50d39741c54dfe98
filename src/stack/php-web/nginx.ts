/** Configuration of the nginx in a container with PHP: of the image, and what differs from stack to stack. */
import { allForbidden } from './rules.ts';
import type { WebRules } from './rules.ts';

export const PHP_CONF = '/etc/subako/php.conf';

/** @param rules path of what differs */
export function renderNginxOfImage(rules: string): string {
  return `daemon off;
pid /tmp/nginx.pid;
error_log stderr warn;
worker_processes 1;
events { worker_connections 512; }
http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  access_log off;
  server_tokens off;
  absolute_redirect off;
  sendfile on;
  log_not_found off;
  client_body_temp_path /tmp/nginx-body;
  fastcgi_temp_path /tmp/nginx-fastcgi;
  proxy_temp_path /tmp/nginx-proxy;
  uwsgi_temp_path /tmp/nginx-uwsgi;
  scgi_temp_path /tmp/nginx-scgi;
  # How much a request may bring, the edge says before and PHP behind.
  client_max_body_size 0;
  # The edge alone reaches the socket, and says who asks.
  set_real_ip_from unix:;
  real_ip_header X-Real-IP;
  map $http_x_forwarded_proto $asked_https { https on; default ""; }
  map $http_x_forwarded_port $asked_port { "" 80; default $http_x_forwarded_port; }
  server {
    include /tmp/site.conf;
    server_name _;
    index index.php index.html;
    include ${rules};
  }
}
`;
}

/** How a script is run, whatever comes behind its name. */
export function renderPhpConf(): string {
  const params = [
    'SCRIPT_FILENAME $document_root$fastcgi_script_name',
    'SCRIPT_NAME $fastcgi_script_name',
    'PATH_INFO $path_behind',
    'DOCUMENT_ROOT $document_root',
    'DOCUMENT_URI $document_uri',
    'REQUEST_URI $request_uri',
    'QUERY_STRING $query_string',
    'REQUEST_METHOD $request_method',
    'CONTENT_TYPE $content_type',
    'CONTENT_LENGTH $content_length',
    'SERVER_PROTOCOL $server_protocol',
    'GATEWAY_INTERFACE CGI/1.1',
    'SERVER_SOFTWARE nginx',
    'SERVER_NAME $host',
    'SERVER_PORT $asked_port',
    'REMOTE_ADDR $remote_addr',
    'REDIRECT_STATUS 200',
    'HTTP_PROXY ""',
  ];
  return `fastcgi_split_path_info ^(.+?\\.php)(/.*)?$;
# try_files forgets it.
set $path_behind $fastcgi_path_info;
try_files $fastcgi_script_name =404;
fastcgi_pass unix:/tmp/fpm.sock;
fastcgi_buffer_size 32k;
fastcgi_buffers 32 16k;
fastcgi_read_timeout 300s;
${params.map((param) => `fastcgi_param ${param};`).join('\n')}
fastcgi_param REQUEST_SCHEME $http_x_forwarded_proto if_not_empty;
fastcgi_param HTTPS $asked_https if_not_empty;
`;
}

/** What differs from stack to stack. */
export function renderNginxRules(rules: WebRules): string {
  const forbidden = allForbidden(rules).map((pattern) => `location ~* "${pattern}" { return 404; }`);
  const front = rules.frontController ? ' /index.php$is_args$args' : ' =404';
  return `${forbidden.join('\n')}
location ~ "\\.php(?:/|$)" { include ${PHP_CONF}; }
location / { try_files $uri $uri/${front}; }
`;
}
