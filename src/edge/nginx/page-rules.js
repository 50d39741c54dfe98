// Which request may be answered from the page cache, under which query, and how long an answer is kept.
// Runs inside nginx (njs), and under Node in its test. Pure but for the last part.
import fs from 'fs';

// Says where a visitor came from; no page depends on it.
const MARKETING =
  /^(?:utm_[a-z_]+|gclid|gclsrc|gbraid|wbraid|dclid|fbclid|msclkid|yclid|ysclid|twclid|ttclid|li_fat_id|igshid|mc_cid|mc_eid|mkt_tok|_ga|_gl|_hsenc|_hsmi|srsltid|epik|ref_src)$/;
// What searches, previews, acts, or asks for a page of this moment.
const ACTING =
  /^(?:s|preview|preview_id|preview_nonce|p_preview|replytocom|unapproved|moderation-hash|rest_route|add-to-cart|added-to-cart|remove_item|removed_item|undo_item|update_cart|apply_coupon|wc-ajax|wc-api|edd_action|order|key|token|action|nonce|_wpnonce|nocache|no_cache|doing_wp_cron|wp_customize|customize_.*|customized|elementor-preview|fl_builder|et_fb|vc_editable|bricks|unsubscribe|login|loggedout|reauth)$/;
// What may be in Vary: what no page is made for, and what the key has.
const BY_NOBODY = /^(?:accept-encoding|origin|[\s,])*$/i;
const BY_DEVICE = /^(?:accept-encoding|origin|user-agent|sec-ch-ua-mobile|[\s,])*$/i;
// Longer ones are nobody's page.
const MAX_QUERY = 512;

// The query that PHP sees and the key has: without marketing parameters, in the order it came. Undefined where the answer may not be kept.
function keptQuery(args) {
  const kept = [];
  const pairs = args.split('&');
  // njs has no for…of
  for (let index = 0; index < pairs.length; index += 1) {
    const pair = pairs[index];
    const name = nameOf(pair);
    if (name === undefined || ACTING.test(name.replace(/\[.*$/, ''))) return undefined;
    if (pair !== '' && !MARKETING.test(name)) kept.push(pair);
  }
  const query = kept.join('&');
  return query.length > MAX_QUERY ? undefined : query;
}

// As PHP reads it; undefined where it is not well-formed.
function nameOf(pair) {
  try {
    // PHP turns dots and blanks at the place of a name into underscores
    return decodeURIComponent(pair.split('=')[0].replace(/\+/g, ' ')).replace(/^ +/, '').replace(/[. ]/g, '_');
  } catch (error) {
    return undefined;
  }
}

// Seconds that an answer is kept; 0 = not at all. `ttl` is the site's own setting.
function keepSeconds(answer, ttl) {
  const harmless = answer.byDevice ? BY_DEVICE : BY_NOBODY;
  if (!(ttl > 0) || answer.setCookie || !harmless.test(answer.vary)) return 0;
  // WordPress forbids to keep any 404. But it was made without a cookie, for anybody; and those who try thousands of addresses should wake nobody twice.
  if (answer.status === 404 || answer.status === 410) return Math.min(ttl, 60);
  if (answer.status !== 200 && answer.status !== 301 && answer.status !== 308) return 0;
  const control = answer.cacheControl.toLowerCase();
  if (/\b(?:no-store|no-cache|private)\b/.test(control)) return 0;
  const asked = /\b(?:s-maxage|max-age)\s*=\s*"?(\d+)/.exec(control.replace(/^.*(?=s-maxage)/, ''));
  return asked === null ? ttl : Math.min(ttl, Number(asked[1]));
}

// ---- what nginx asks ----

// Pages that lately could not be kept are not asked for one after the other.
const PASS_MS = 300000;

function target(request) {
  const uri = request.variables.request_uri;
  const query = keptQuery(request.variables.args);
  if (query === undefined) return '';
  const path = uri.split('?')[0];
  return query === '' ? path : path + '?' + query;
}

// For so many seconds more the page is not asked for here, because lately it could not be kept; empty: nothing speaks against it.
function passed(request) {
  const until = ngx.shared.passed.get(request.headersIn['X-Subako-Page'] || '');
  const seconds = until === undefined ? 0 : Math.ceil((Number(until) - Date.now()) / 1000);
  return seconds > 0 ? String(seconds) : '';
}

// The first word changes with every purge of the site, the second is its setting in seconds; a third says that pages depend on the device. Read when a fill begins, and again when its answer is there.
function site(request) {
  try {
    return fs.readFileSync(request.variables.page_site_file, 'utf8').trim();
  } catch (error) {
    return '';
  }
}

// How long the answer of a fill is kept. One that began before a purge may hold what was purged.
function keep(request) {
  const began = request.headersIn['X-Subako-Site'] || '';
  const variables = request.variables;
  const answer = {
    status: request.status,
    cacheControl: variables.upstream_http_cache_control || '',
    vary: variables.upstream_http_vary || '',
    setCookie: Boolean(variables.upstream_http_set_cookie),
    byDevice: request.headersIn['X-Subako-Device'] !== undefined,
  };
  const seconds = keepSeconds(answer, Number(began.split(' ')[1] || 0));
  const name = request.headersIn['X-Subako-Page'];
  if (seconds === 0 && request.status < 500) ngx.shared.passed.set(name, String(Date.now() + PASS_MS), PASS_MS);
  // What is asked for by device is kept so where the site is still set so.
  return began !== '' && began === site(request) && answer.byDevice === / device$/.test(began) ? String(seconds) : '0';
}

export default { keptQuery, keepSeconds, target, passed, site, keep };
