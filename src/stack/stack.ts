/** The stack port: what runs inside a site's container, and how to make a new site of it. */
import type { SiteRoute } from '../edge/route-tree.ts';
import type { Image } from '../image/image.ts';
import type { Recipe } from '../image/recipe.ts';
import type { Site } from '../domain/site.ts';
import type { BundleSpec } from '../runtime/bundle/bundle-spec.ts';
import type { SitePaths } from '../site/site-paths.ts';

export interface StackContext {
  readonly site: Site;
  readonly paths: SitePaths;
  readonly image: Image;
  /** Directory of the database's socket on the host. */
  readonly databaseSockets: string;
  readonly cgroupPath: string;
}

export interface NewSiteAnswers {
  readonly title: string;
  readonly adminUser: string;
  readonly adminPassword: string;
  readonly adminEmail: string;
  /** Host name with the port where it is not the usual one, such as `hello.localhost:8080`. */
  readonly authority: string;
}

export interface SiteCredentials {
  readonly database: string;
  readonly user: string;
  readonly password: string;
}

export interface Stack {
  readonly name: string;
  readonly recipe: Recipe;
  /** User and group id inside the container; on the host, the site's range begins below it. */
  readonly uid: number;
  /** Inside the container, the path of the socket it listens on: in the directory that is the site's `sockets` outside, and with a name no other site uses. */
  socketOf(siteId: string): string;

  /** Asks the first process to finish what it does and end. */
  readonly endSignal: NodeJS.Signals;

  /** Fills a new site's directories from the image. They are root's own until this returns. */
  prepareFiles(context: StackContext, credentials: SiteCredentials): Promise<void>;
  /** Makes what a boot needs and a stop may have left behind. Cheap: it is on the way of a waiting visitor. */
  prepareBoot(context: StackContext): Promise<void>;
  /** Takes back the directories below the run directory that only the start needed to write to: nothing a tenant does may fill them. Asked before any request. */
  seal(context: StackContext): Promise<void>;
  /** Removes scratch files after an instance has ended. */
  tidy(context: StackContext): Promise<void>;
  /** The container that serves the site. Pure. */
  bundle(context: StackContext): BundleSpec;
  /** The container that installs the site into its empty database, and what to write to its standard input. */
  installer(context: StackContext, answers: NewSiteAnswers): { readonly spec: BundleSpec; readonly input: string };
  /** What the edge must know of the site's files. */
  route(context: StackContext): SiteRoute;
}
