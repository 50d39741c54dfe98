/** Paths inside the edge's container. */

/** Where the edge's container sees the platform's things. */
export const EDGE_VIEW = {
  hosts: '/run/subako/hosts',
  wakeSocket: '/run/subako/wake/wake.sock',
  /** Where the daemon answers an authority that asks by TLS-ALPN-01. */
  challengeSocket: '/run/subako/wake/acme.sock',
  images: '/srv/images',
  sites: '/srv/sites',
  /** One of the places the toolbox's image has for mounts. */
  certificates: '/srv/subako',
  config: '/etc/subako',
  log: '/var/log/subako',
  scratch: '/var/lib/edge',
} as const;
