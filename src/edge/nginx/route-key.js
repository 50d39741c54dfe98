// What nginx's own language cannot say, in njs. Runs inside nginx, and only for requests that need it:
// names that are too long, names from which visitors are sent on, and sites that ask for HSTS.
import crypto from 'crypto';
import fs from 'fs';

const HOSTS = '/run/subako/hosts';
const MAX_PLAIN_KEY = 40;
const HOST = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
const MAX_AGE = /^max-age=\d{1,12}$/;

// The same key as src/domain/route-key.ts, for host names that are too long to be a directory in a socket path.
function longRouteKey(request) {
  const host = request.variables.host;
  return HOST.test(host) ? digest(host) : 'invalid_host';
}

// Scheme and authority of the site that this name sends its visitors to; empty where it is no such name.
function primarySite(request) {
  const variables = request.variables;
  const primary = read(HOSTS + '/' + variables.route_key) || '';
  if (!HOST.test(primary)) return '';
  const secure = variables.https === 'on' || read(HOSTS + '/' + key(primary) + '/https-only') !== undefined;
  return (secure ? 'https://' : 'http://') + primary + (secure ? variables.https_suffix : variables.port_suffix);
}

function hsts(request) {
  const value = read(HOSTS + '/' + request.variables.route_key + '/hsts') || '';
  return MAX_AGE.test(value) ? value : '';
}

function key(host) {
  return host.length <= MAX_PLAIN_KEY ? host : digest(host);
}

function digest(host) {
  return '_' + crypto.createHash('sha256').update(host).digest('hex').slice(0, 32);
}

function read(path) {
  try {
    return fs.readFileSync(path, 'utf8').trim();
  } catch (error) {
    return undefined;
  }
}

export default { longRouteKey, primarySite, hsts };
