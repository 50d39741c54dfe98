import { describe, expect, it } from 'vitest';
import { roleMaps, roleOf } from './role-rules.ts';

const get = (more: Readonly<Record<string, string>>) => roleOf({ request_method: 'GET', uri: '/', ...more });

describe('which container a request goes to', () => {
  it.each([
    ['the front page', {}],
    ['HEAD', { request_method: 'HEAD' }],
    ['a page', { uri: '/2026/11/hello/' }],
    ['a search', { args: 's=wp-admin' }],
    ['a feed', { uri: '/feed/' }],
    ['the REST index', { uri: '/wp-json/wp/v2/posts' }],
    ['a name that only looks like wp-admin', { uri: '/about-wp-admin/' }],
    ['a name that begins like it', { uri: '/wp-administration/' }],
    ['a cookie of somebody else', { http_cookie: '_ga=1; theme=dark' }],
    ['a cookie whose value looks like a login', { http_cookie: 'x=wordpress_logged_in_' }],
    ['a query whose value looks like a cart', { args: 'q=add-to-cart' }],
    ['the cookie that WordPress tries', { http_cookie: 'wordpress_test_cookie=WP+Cookie+check' }],
  ])('%s: public', (_what, request) => {
    expect(get(request)).toBe('public');
  });

  it.each([
    ['POST', { request_method: 'POST' }],
    ['PUT', { request_method: 'PUT' }],
    ['OPTIONS', { request_method: 'OPTIONS' }],
    ['no method at all', { request_method: '' }],
    ['a method in small letters', { request_method: 'get' }],
    ['wp-admin', { uri: '/wp-admin/' }],
    ['wp-admin without the slash', { uri: '/wp-admin' }],
    ['wp-admin with one too many', { uri: '//wp-admin/index.php' }],
    ['admin-ajax.php', { uri: '/wp-admin/admin-ajax.php' }],
    ['the login form', { uri: '/wp-login.php' }],
    ['wp-cron.php', { uri: '/wp-cron.php' }],
    ['xmlrpc.php', { uri: '/xmlrpc.php' }],
    ['a login', { http_cookie: 'a=b; wordpress_logged_in_0123=admin%7C1' }],
    ['a cart', { http_cookie: 'woocommerce_items_in_cart=1' }],
    ['a shop session', { http_cookie: 'wp_woocommerce_session_abc=1' }],
    ['an application password', { http_authorization: 'Basic YTpi' }],
    ['something put into a cart', { args: 'a=1&add-to-cart=12' }],
    ['a shop call', { args: 'wc-ajax=get_refreshed_fragments' }],
  ])('%s: admin', (_what, request) => {
    expect(get(request)).toBe('admin');
  });

  it('is what nginx is told', () => {
    expect(roleMaps()).toContain('"~^(?:GET|HEAD)$" 0;');
    expect(roleMaps()).toContain('"00000" public;');
  });
});
