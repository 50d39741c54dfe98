// The extra password before a site's wp-admin: whether there is one, what counts as a try of it, and what of it PHP may see. Runs inside nginx
// (njs), which checks the password itself (auth_basic). Tested under Node (src/edge/nginx/admin-door.test.ts).
import crypto from 'crypto';
import fs from 'fs';

const SHA1_BYTES = 20;

// For auth_basic: the realm, or `off` where the site has no such password. One that cannot be read is a shut door.
function realm(request) {
  return stored(request) === undefined ? 'off' : 'Administration';
}

// `1` for a try that counts: of whoever has not lately come in from this address with this very header. A right one counts too, or who tries
// faster than is allowed would still find the right one.
function tried(request) {
  const said = request.variables.http_authorization;
  const line = said ? stored(request) : undefined;
  return line === undefined || ngx.shared.let_in.has(mark(request, said, line)) ? '' : '1';
}

// Asked when nginx has found the password right.
function letIn(request) {
  const said = request.variables.http_authorization;
  const line = said ? stored(request) : undefined;
  if (line !== undefined && isRight(said, line)) ngx.shared.let_in.set(mark(request, said, line), '1');
  return '';
}

// The Authorization header as PHP gets it. Browsers send the extra password to every address of the site, and WordPress would take it for one of its own.
function forSite(request) {
  const said = request.variables.http_authorization;
  const line = stored(request);
  return line !== undefined && isRight(said, line) ? '' : said;
}

// The site's line, as auth_basic reads it; undefined where it has none.
function stored(request) {
  try {
    return fs.readFileSync(request.variables.route + '/password', 'utf8').trim();
  } catch (error) {
    return error.code === 'ENOENT' ? undefined : '';
  }
}

// Is this header the user and password of this line, `name:{SSHA}…`?
function isRight(header, line) {
  const encoded = /^basic +([A-Za-z0-9+/]+=*) *$/i.exec(header);
  const hashed = /^([^:]+):\{SSHA\}([A-Za-z0-9+/]+=*)$/.exec(line);
  if (encoded === null || hashed === null) return false;
  const pair = Buffer.from(encoded[1], 'base64');
  const user = Buffer.from(hashed[1] + ':');
  const salt = Buffer.from(hashed[2], 'base64').slice(SHA1_BYTES);
  const digest = crypto.createHash('sha1').update(pair.slice(user.length)).update(salt).digest();
  return pair.slice(0, user.length).equals(user) && Buffer.concat([digest, salt]).toString('base64') === hashed[2];
}

// Another one for another address, and when the password is changed.
function mark(request, said, line) {
  return crypto
    .createHash('sha256')
    .update(request.remoteAddress + '\n' + said + '\n' + line)
    .digest('hex');
}

export default { realm, tried, letIn, forSite };
