// The same key as src/domain/route-key.ts, for host names that are too long to be a directory in a socket path.
// Runs inside nginx (njs); asked only for names longer than a plain key.
import crypto from 'crypto';

function longRouteKey(request) {
  const host = request.variables.host;
  if (!/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(host)) return 'invalid_host';
  return '_' + crypto.createHash('sha256').update(host).digest('hex').slice(0, 32);
}

export default { longRouteKey };
