/** The schema, as the steps that lead to it. A step that was released never changes; a new one is added below. */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE sites (
     id         TEXT PRIMARY KEY,
     domain     TEXT NOT NULL UNIQUE,
     stack      TEXT NOT NULL,
     phase      TEXT NOT NULL CHECK (phase IN ('creating', 'ready', 'removing')),
     image      TEXT NOT NULL,
     uid_range  INTEGER NOT NULL UNIQUE,
     node       TEXT NOT NULL,
     settings   TEXT NOT NULL CHECK (json_valid(settings)),
     created_at INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE instances (
     id         TEXT PRIMARY KEY,
     site_id    TEXT NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
     role       TEXT NOT NULL,
     node       TEXT NOT NULL,
     state      TEXT NOT NULL,
     image      TEXT NOT NULL,
     pid        INTEGER,
     start_time TEXT,
     since      INTEGER NOT NULL,
     booted_at  INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE wakes (
     site_id TEXT PRIMARY KEY REFERENCES sites (id) ON DELETE CASCADE,
     wakes   INTEGER NOT NULL,
     last    TEXT NOT NULL CHECK (json_valid(last))
   ) STRICT;
   CREATE TABLE services (
     name   TEXT PRIMARY KEY,
     record TEXT NOT NULL CHECK (json_valid(record))
   ) STRICT;
   CREATE TABLE events (
     seq   INTEGER PRIMARY KEY AUTOINCREMENT,
     at    INTEGER NOT NULL,
     site  TEXT,
     event TEXT NOT NULL CHECK (json_valid(event))
   ) STRICT;
   CREATE INDEX events_by_site ON events (site, seq);`,
  // Each role of a site wakes on its own.
  `CREATE TABLE wakes_of_roles (
     site_id TEXT NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
     role    TEXT NOT NULL,
     wakes   INTEGER NOT NULL,
     last    TEXT NOT NULL CHECK (json_valid(last)),
     PRIMARY KEY (site_id, role)
   ) STRICT;
   INSERT INTO wakes_of_roles SELECT site_id, 'public', wakes, last FROM wakes;
   DROP TABLE wakes;`,
  `CREATE TABLE aliases (
     name       TEXT PRIMARY KEY,
     site_id    TEXT NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
     redirect   INTEGER NOT NULL CHECK (redirect IN (0, 1)),
     created_at INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX aliases_by_site ON aliases (site_id);
   CREATE TABLE certificates (
     name   TEXT PRIMARY KEY,
     record TEXT NOT NULL CHECK (json_valid(record))
   ) STRICT;`,
  `CREATE TABLE crons (
     site_id TEXT PRIMARY KEY REFERENCES sites (id) ON DELETE CASCADE,
     due_at  INTEGER,
     ran_at  INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX crons_by_due ON crons (due_at);`,
  `CREATE TABLE jobs (
     id         TEXT PRIMARY KEY,
     site_id    TEXT NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
     created_at INTEGER NOT NULL,
     due_at     INTEGER,
     record     TEXT NOT NULL CHECK (json_valid(record))
   ) STRICT;
   CREATE INDEX jobs_by_due ON jobs (due_at);
   CREATE INDEX jobs_by_site ON jobs (site_id);
   CREATE TABLE job_runs (
     seq    INTEGER PRIMARY KEY AUTOINCREMENT,
     id     TEXT NOT NULL UNIQUE,
     job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
     is_open INTEGER NOT NULL CHECK (is_open IN (0, 1)),
     record TEXT NOT NULL CHECK (json_valid(record))
   ) STRICT;
   CREATE INDEX job_runs_by_job ON job_runs (job_id, seq);`,
  `CREATE TABLE containers (
     id         TEXT PRIMARY KEY,
     name       TEXT NOT NULL UNIQUE,
     uid_range  INTEGER NOT NULL UNIQUE,
     created_at INTEGER NOT NULL,
     record     TEXT NOT NULL CHECK (json_valid(record))
   ) STRICT;
   CREATE TABLE volumes (
     name   TEXT PRIMARY KEY,
     record TEXT NOT NULL CHECK (json_valid(record))
   ) STRICT;`,
  // What a site is made of whose image is its owner's.
  `ALTER TABLE sites ADD COLUMN app TEXT CHECK (app IS NULL OR json_valid(app));`,
  `CREATE TABLE networks (
     name   TEXT PRIMARY KEY,
     record TEXT NOT NULL CHECK (json_valid(record))
   ) STRICT;`,
  // What a site is made of whose code is its owner's.
  `ALTER TABLE sites ADD COLUMN code TEXT CHECK (code IS NULL OR json_valid(code));
   ALTER TABLE instances ADD COLUMN code_version INTEGER;`,
  `CREATE TABLE projects (
     name   TEXT PRIMARY KEY,
     record TEXT NOT NULL CHECK (json_valid(record))
   ) STRICT;`,
];
