/** An alias: a further name of a site. Its first name is its domain, which is not an alias. */
export interface Alias {
  /** Canonical host name; unique among all domains and aliases. */
  readonly name: string;
  readonly siteId: string;
  /** Visitors are sent on to the site's domain instead of getting the page under this name. */
  readonly redirect: boolean;
  /** Unix time in milliseconds. */
  readonly createdAt: number;
}
