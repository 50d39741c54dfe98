/**
 * The stack port: what runs inside a site's container, and how a new site of it is made.
 *
 * A stack holds no state: everything it knows of a site comes in the context. Calls for one instance (`prepareBoot`, `seal`, `tidy`) never overlap;
 * calls for different instances may.
 */
import type { SiteRoute } from '../edge/route-tree.ts';
import type { Image } from '../image/image.ts';
import type { OciImage } from '../image/oci/oci-image.ts';
import type { Recipe } from '../image/recipe.ts';
import type { Alias } from '../domain/alias.ts';
import type { Listening } from '../domain/app.ts';
import type { ProcessIdentity } from '../domain/instance.ts';
import type { Role } from '../domain/role.ts';
import type { Site } from '../domain/site.ts';
import type { Attachment, BindMount, BundleSpec } from '../runtime/bundle/bundle-spec.ts';
import type { InstancePaths, SitePaths } from '../site/site-paths.ts';

export interface StackContext {
  readonly site: Site;
  readonly role: Role;
  readonly paths: SitePaths;
  readonly image: Image;
  /** For an app: its image's configuration and layers. Undefined where the image is gone. */
  readonly ociImage?: OciImage;
  /** For an app: the networks that it is in. */
  readonly networks?: readonly Attachment[];
  /** Directory of the database's socket on the host. */
  readonly databaseSockets: string;
  readonly sharedDev: string;
  /** See runtime/bundle/masks.ts. */
  readonly masks: readonly BindMount[];
  readonly instance: InstancePaths & {
    readonly id: string;
    readonly cgroupPath: string;
    /** Index of the uid range its processes run in: the site's own, unless it was a spare (see domain/spare-id.ts). */
    readonly uidRange: number;
  };
}

export interface NewSiteAnswers {
  readonly title: string;
  readonly adminUser: string;
  readonly adminPassword: string;
  readonly adminEmail: string;
  /** Host name with the port where it is not the usual one, such as `hello.localhost:8080`. */
  readonly authority: string;
}

/** Runs a statement in the database of a new site, before anybody else can. */
export type Query = (sql: string, values?: readonly unknown[]) => Promise<Record<string, unknown>[]>;

export interface SiteCredentials {
  readonly database: string;
  /** May do everything with the site's database. */
  readonly admin: { readonly user: string; readonly password: string };
  /** May only read it. */
  readonly reader: { readonly user: string; readonly password: string };
}

export interface Stack {
  readonly name: string;
  /** The roles that each site has: `public` and `admin`, where readers and writers are told apart; else `public`, which serves everyone. Empty: nothing runs. */
  readonly roles: readonly Role[];
  /** User and group id, inside the container, of all that runs there. Undefined: what the image says. */
  readonly uid?: number;
  /** Where it listens. A socket lies in the directory that is `instance.sockets` on the host. */
  listensAt(context: StackContext): Listening;

  /** The signal that makes the first process finish its requests and end. */
  endSignal(context: StackContext): NodeJS.Signals;

  /** Fills a new site's directories from the image. They belong to root until this returns. */
  prepareFiles(context: StackContext): Promise<void>;
  /** Tells the site its names besides its domain: it serves pages under those that do not redirect, and can send requests to itself under all of them. Running instances learn it within seconds. */
  setNames?(context: StackContext, names: readonly Pick<Alias, 'name' | 'redirect'>[]): Promise<void>;
  /** Writes what the site's record says into its configuration: its domain, its PHP settings. Repeatable; running instances may see it at once. */
  configure?(context: StackContext): Promise<void>;
  /** Makes the directories of an instance, in place of what an earlier one left. Must be quick: a visitor waits for it. */
  prepareBoot(context: StackContext): Promise<void>;
  /** Takes back the directories below the run directory that only the start had to write to, so that no tenant can fill them. Called before the first request. */
  seal(context: StackContext): Promise<void>;
  /** Removes the directories of an instance that has ended. Idempotent. */
  tidy(context: StackContext): Promise<void>;
  /** Path, on the host, of the socket at which its mail is taken. Undefined: it sends none. */
  mailSocketOf?(context: StackContext): string | undefined;
  /** Asks an instance for its front page. @param socket a path that leads to it @throws when there is no answer */
  warmUp?(context: StackContext, socket: string): Promise<void>;
  /**
   * Before an idle instance is checkpointed: ends processes that need not be restored, and stops the first one by a signal so that it does
   * not start them again; it goes on when it is restored.
   */
  shrink?(first: ProcessIdentity, others: readonly number[]): Promise<void>;
  /**
   * Directory of what an instance changed of its root, on the file system of the site's own directory. It is moved into a checkpoint of the instance,
   * and back before a container is restored from that. Undefined: an instance changes nothing that it would miss.
   */
  changesOf?(context: StackContext): string;
  /** Before an idle instance is checkpointed: undoes what the platform did to it from outside. @throws SubakoError `conflict` when it could not be restored, whatever CRIU says */
  prepareCheckpoint?(context: StackContext): void;
  /** How a template is made. Undefined: this stack's images have none. */
  readonly template?: TemplateRecipe;
  /** The container that serves this role of the site. Pure. */
  bundle(context: StackContext): BundleSpec;
  /** The site's entry in the route tree, but for its upstreams. */
  route(context: StackContext): SiteRoute;
}

/** A stack whose image is made from a recipe, and whose sites are installed into a database. A new site is a copy of one that was installed for nobody. */
export interface InstalledStack extends Stack {
  readonly recipe: Recipe;
  readonly uid: number;
  listensAt(context: StackContext): { readonly socket: string };
  /** Writes the configuration of a new site, with keys of its own, once its directories are filled. */
  writeConfig(context: StackContext, credentials: SiteCredentials): Promise<void>;
  /** Makes a configuration for each role, for a site of an older Subako that had one for both. Repeatable. */
  splitConfig(context: StackContext, credentials: SiteCredentials): Promise<void>;
  /** The container that installs a site into an empty database, and what to write to its standard input. It prints `installed`. */
  installer(context: StackContext, answers: NewSiteAnswers): { readonly spec: BundleSpec; readonly input: string };
  /** Changes a copy of a site that was installed with the answers `from` into what an installation with `to` would have made now. */
  personalise(own: Query, answers: { readonly from: NewSiteAnswers; readonly to: NewSiteAnswers }): Promise<void>;
}

export function isInstalled(stack: Stack): stack is InstalledStack {
  return 'installer' in stack;
}

/** What is known of code before it becomes a release. All of it comes from a stranger. */
export interface ReleaseLook {
  /** Names of files and directories at its top; those of directories end in a slash. */
  readonly top: readonly string[];
  /** Texts of the stack's `manifests`, by name, as far as they are there. */
  readonly texts: Readonly<Record<string, string>>;
}

/** A stack that runs its owner's code, which comes in releases. The one role, `public`, serves everyone; where nothing runs, there is no role. */
export interface CodeStack extends Stack {
  /** Undefined where the edge alone serves its sites, and nothing runs. */
  readonly recipe: Recipe | undefined;
  readonly uid: number;
  /** The web servers that a site can choose from, the default first; empty: there is no choice. */
  readonly webs: readonly string[];
  /** How a site's database is written in its variable `DATABASE_URL`. Undefined: sites have no database. */
  readonly databaseUrl: ((login: DatabaseAddress) => string) | undefined;
  /** Names of variables that hold a secret which is made for each site. */
  readonly secrets: readonly string[];
  /** Names of directories at the top of the code. The first one that is there is the document root; where none is, all of the code is. */
  readonly roots: readonly string[];
  /** Directories that outlive releases, whether the owner names them or not: relative to the code, and relative to the document root. */
  readonly shared: readonly string[];
  readonly sharedInRoot: readonly string[];
  /** Settings of new sites that differ from those of other stacks, as assignments: `memory=512m`. */
  readonly preset: readonly string[];
  /** Directory of the code that a new site begins with where its owner brings none. */
  welcome(image: Image): string;
  /** Names of files of the code that `commandOf` reads. */
  readonly manifests: readonly string[];
  /** Finds what is to be run in the code. Undefined: the stack knows that by itself. @throws SubakoError `bad_setting` when the code does not say it */
  readonly commandOf: ((look: ReleaseLook) => readonly string[] | undefined) | undefined;
  /** What a new release is built in, where that takes more than what it runs in. Undefined: the same. */
  readonly builder?: Recipe;
  /** Run once for each release, before anybody is led to it. */
  readonly releaseCommand?: readonly string[];
}

interface DatabaseAddress {
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly socket: string;
}

export function isOfCode(stack: Stack): stack is CodeStack {
  return 'welcome' in stack;
}

/** Gives a socket in an instance's directory a path that is short enough to connect to. Waits until the socket is there. */
export type Connectable = (socket: string) => Promise<AsyncDisposable & { readonly path: string }>;

/** How to make the template of an image: one warm process that knows no site, and from which every site of the image is restored. */
export interface TemplateRecipe {
  /** Fills the directories of a context that belongs to no site, with nothing but what the image brings. */
  prepareFiles(context: StackContext): Promise<void>;
  /** Warms a container that was just started. Returns when only one process is left, with facts about what is warm, for `probe`. */
  warm(context: StackContext, connectable: Connectable): Promise<Readonly<Record<string, unknown>>>;
  /**
   * Has a restored container that belongs to nobody yet do what a visitor's page takes, so that its worker is there and warm before there is a
   * visitor. The site that gets the container must not see anything of it. @throws when it does not answer
   */
  rehearse(context: StackContext, connectable: Connectable): Promise<void>;
  /** Finds out whether a restored container answers and is as warm as the facts say. @throws when not */
  probe(context: StackContext, connectable: Connectable, warmed: Readonly<Record<string, unknown>>): Promise<void>;
}
