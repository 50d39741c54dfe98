/** The stack port: what runs inside a site's container, and how to make a new site of it. */
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
  /** Of an app: what its image says, and the layers that it is made of. Undefined: it is gone. */
  readonly ociImage?: OciImage;
  /** Of an app: the networks that it is in. */
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

/** Asks the database that a site was copied into, before anybody else can. */
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
  /** The containers that each site has: two, where those who read are told from those who write, or `public` alone for all. */
  readonly roles: readonly Role[];
  /** User and group id inside the container, of all that runs there; on the host, the site's range begins below it. Undefined: as its image says. */
  readonly uid?: number;
  /** Where it listens. A socket lies in the directory that is the instance's `sockets` outside. */
  listensAt(context: StackContext): Listening;

  /** Asks the first process to finish what it does and end. */
  endSignal(context: StackContext): NodeJS.Signals;

  /** Fills a new site's directories from the image. They are root's own until this returns. */
  prepareFiles(context: StackContext): Promise<void>;
  /** The site's names besides its domain: it serves its pages under those that do not redirect, and can ask itself under all. Running instances learn it within seconds. */
  setNames?(context: StackContext, names: readonly Pick<Alias, 'name' | 'redirect'>[]): Promise<void>;
  /** Writes what the site's record says into its configuration: its domain, its PHP settings. Repeatable; running instances may see it at once. */
  configure?(context: StackContext): Promise<void>;
  /** Makes what a boot needs and a stop may have left behind. Cheap: it is on the way of a waiting visitor. */
  prepareBoot(context: StackContext): Promise<void>;
  /** Takes back the directories below the run directory that only the start needed to write to: nothing a tenant does may fill them. Asked before any request. */
  seal(context: StackContext): Promise<void>;
  /** Removes scratch files after an instance has ended. */
  tidy(context: StackContext): Promise<void>;
  /** Where, outside the container, the socket belongs that takes its mail. Undefined: it sends none. */
  mailSocketOf?(context: StackContext): string | undefined;
  /** Asks an instance for the page that a visitor would ask for first, at a socket that leads to it. @throws when there is no answer */
  warmUp?(context: StackContext, socket: string): Promise<void>;
  /**
   * Before an idle instance is checkpointed: ends processes that need not be restored, and stops the first one by a signal so that it does
   * not start them again; it goes on when it is restored.
   */
  shrink?(first: ProcessIdentity, others: readonly number[]): Promise<void>;
  /**
   * Directory of what an instance changed of its root, on the file system of the site's own directory: it goes with a checkpoint of the instance,
   * and lies there again before a container that is restored from it is prepared. Undefined: an instance changes nothing that it would miss.
   */
  changesOf?(context: StackContext): string;
  /** Before an idle instance is checkpointed: undoes what was done to it from outside. @throws SubakoError `conflict` when it could not be brought back, whatever CRIU says */
  prepareCheckpoint?(context: StackContext): void;
  /** Undefined: no template is made of this stack's images. */
  readonly template?: TemplateRecipe;
  /** The container that serves the site. Pure. */
  bundle(context: StackContext): BundleSpec;
  /** What the edge must know of the site's files. */
  route(context: StackContext): SiteRoute;
}

/** A stack whose image is made from a recipe, and whose sites have a database: each begins as a copy of one that was installed for nobody. */
export interface InstalledStack extends Stack {
  readonly recipe: Recipe;
  readonly uid: number;
  listensAt(context: StackContext): { readonly socket: string };
  /** Writes the configuration of a new site, with keys of its own, once its directories are filled. */
  writeConfig(context: StackContext, credentials: SiteCredentials): Promise<void>;
  /** Makes the configuration of each role of a site that had one for all. Repeatable. */
  splitConfig(context: StackContext, credentials: SiteCredentials): Promise<void>;
  /** The container that installs a site into an empty database, and what to write to its standard input. It prints `installed`. */
  installer(context: StackContext, answers: NewSiteAnswers): { readonly spec: BundleSpec; readonly input: string };
  /** Makes a copy of what was installed with some answers into what would have been installed with others, now. */
  personalise(own: Query, answers: { readonly from: NewSiteAnswers; readonly to: NewSiteAnswers }): Promise<void>;
}

export function isInstalled(stack: Stack): stack is InstalledStack {
  return 'installer' in stack;
}

/** What is known of a release before it is one. All of it is a stranger's. */
export interface ReleaseLook {
  /** Names at its top, a slash behind those of directories. */
  readonly top: readonly string[];
  /** Texts of the files that the stack asked for, by their names; those that are there. */
  readonly texts: Readonly<Record<string, string>>;
}

/** A stack that runs its owner's code, which comes in releases. One role, `public`, serves everyone; where nothing runs there is none. */
export interface CodeStack extends Stack {
  /** Undefined where the edge alone serves its sites, and nothing runs. */
  readonly recipe: Recipe | undefined;
  readonly uid: number;
  /** The web servers to choose from, the usual one first; empty: there is no choice. */
  readonly webs: readonly string[];
  /** Whether each site has a database of its own; then: how its address is written in `DATABASE_URL`. */
  readonly databaseUrl: ((login: DatabaseAddress) => string) | undefined;
  /** Names of further variables that each site has a secret of its own in. */
  readonly secrets: readonly string[];
  /** Directories at the top of the code: the first that is there is the document root; else all of the code is. */
  readonly roots: readonly string[];
  /** Directories of the code that outlive releases, whether its owner names them or not; and such below the document root. */
  readonly shared: readonly string[];
  readonly sharedInRoot: readonly string[];
  /** What new sites are set to, where it is not what all sites are: `memory=512m`. */
  readonly preset: readonly string[];
  /** A directory with the code that a new site begins with, unless its owner brings some. */
  welcome(image: Image): string;
  /** Files of the code whose texts are looked at to find what is run. */
  readonly manifests: readonly string[];
  /** What is run, where the code says it. @throws SubakoError `bad_setting` when it does not */
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

/** A path, short enough to be connected to, for a socket in an instance's directory; waits until it is there. */
export type Connectable = (socket: string) => Promise<AsyncDisposable & { readonly path: string }>;

/** How to make one warm process of an image that knows no site, for every site of the image to be restored from. */
export interface TemplateRecipe {
  /** Fills the directories of a context that belongs to no site: nothing in them but what the image brings. */
  prepareFiles(context: StackContext): Promise<void>;
  /** Warms a container that was just started. Returns when one process is left, with what it made warm. */
  warm(context: StackContext, connectable: Connectable): Promise<Readonly<Record<string, unknown>>>;
  /**
   * Asks a container that was restored, and that nobody has yet, to do what a visitor's page takes: its worker is there, and warm, before
   * there is a visitor. Nothing that it does may be seen by whoever gets the container. @throws when it does not answer
   */
  rehearse(context: StackContext, connectable: Connectable): Promise<void>;
  /** Asks a container that was restored whether it answers and is as warm. @throws when not */
  probe(context: StackContext, connectable: Connectable, warmed: Readonly<Record<string, unknown>>): Promise<void>;
}
