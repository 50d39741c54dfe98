/** What keeps strangers off a site's admin container: who may come near it, and how often somebody may try a password. */
import { EDGE_VIEW } from './edge-view.ts';
import { REMEMBERED_SECONDS } from './remembered.ts';

/** Tries of a password for each address (of IPv6, each /64): so many at once, and then one in six seconds. */
export const LOGINS = { perMinute: 10, atOnce: 10 };

/** For the http block. */
export function guardMaps(): string {
  return `
  # Who has one address of IPv6 has all of its /64, and each would begin anew.
  map $binary_remote_addr $counted_network { "~(?s)^(?<half_of_ipv6>.{8}).{8}$" $half_of_ipv6; default $binary_remote_addr; }
  # Only tries of a password are counted; the empty key is not.
  map $request_method $login_of { POST $login_at; default ""; }
  map $uri $login_at { "~^/+(?:wp-login|xmlrpc)\\.php" $counted_network; default ""; }
  limit_req_zone $login_of zone=logins:4m rate=${LOGINS.perMinute}r/m;
  limit_req zone=logins burst=${LOGINS.atOnce} nodelay;
  limit_req_status 429;
  limit_req_log_level info;
  js_import guard from admin-guard.js;
  js_set $admin_verdict guard.verdict;`;
}

/** After `$role` is set: strangers are refused. */
export function guardRules(): string {
  return `
    # Sites that limit their admin container to some addresses have a file that says which.
    set $route ${EDGE_VIEW.hosts}/$route_key;
    set $guard $role;
    if (!-e $route/guard) { set $guard ""; }
    if ($guard = admin) { set $guard $admin_verdict; }
    if ($guard = deny) { return 403; }`;
}

/** In the inner server of the page cache, which does not see who asks: it answers for no site that has a guard before all of it. */
export function guardOfPages(): string {
  return `
    set $guard $role;
    if (!-e ${EDGE_VIEW.hosts}/$route_key/guard) { set $guard ""; }
    if ($guard = admin) { set $past ${REMEMBERED_SECONDS}; }`;
}

/** For the server block, after `$role` is set. */
export function guards(): string {
  return `${guardRules()}

    # An old door that only programs use, and mostly bad ones: shut unless the site asks for it.
    location = /xmlrpc.php {
      set $trusted $route;
      if (!-e $route/xmlrpc) { return 403; }
      set $script $uri;
      error_page 502 = @wake;
      include ${EDGE_VIEW.config}/fastcgi.conf;
    }`;
}
