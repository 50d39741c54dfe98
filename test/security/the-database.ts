/** What a hostile tenant can do to the database that all sites share. Part of isolation.test.ts. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { expect, it } from 'vitest';
import { asRoot } from '../../src/database/root-access.ts';
import { endLongStatements } from '../../src/database/statement-watch.ts';
import type { DatabaseLogin } from '../../src/database/tenants.ts';
import { poll } from '../../src/lib/deadline.ts';
import { GOOD } from '../helpers/neighbours.ts';
import type { Neighbours } from '../helpers/neighbours.ts';

export function theDatabase(sites: () => Neighbours): void {
  const php = (text: string): string => JSON.stringify(text).replaceAll('$', String.raw`\$`);
  const connect = ({ database, user, password }: DatabaseLogin) =>
    sites().asTenant<string>(
      `mysqli_report(MYSQLI_REPORT_OFF); $c = mysqli_init(); echo json_encode(@$c->real_connect("localhost", ${php(user)}, ${php(password)}, ${php(database)}) ? "connected" : mysqli_connect_error());`,
    );
  /** Each statement's rows, true, or why not; all on one connection. */
  const answers = ({ database, user, password }: DatabaseLogin, statements: readonly string[]) =>
    sites().asTenant<unknown[]>(
      `mysqli_report(MYSQLI_REPORT_OFF); $c = mysqli_connect("localhost", ${php(user)}, ${php(password)}, ${php(database)});
       foreach ([${statements.map(php).join(', ')}] as $sql) { $r = $c->query($sql); $all[] = $r === false ? $c->error : ($r === true ? true : $r->fetch_all()); } echo json_encode($all);`,
    );
  const own = async (): Promise<DatabaseLogin> => {
    const { database, admin } = await sites().accessOf(sites().evil);
    return { database, ...admin };
  };
  const root = async () => {
    const { run, state } = sites().platform;
    return { socket: join(run, 'database', 'mysqld.sock'), rootPassword: (await readFile(join(state, 'database', 'root.password'), 'utf8')).trim() };
  };

  it('lets a site into its own and into no other', async () => {
    const mine = await own();
    const theirs = `site_${sites().good.id}`;
    expect(await connect(mine)).toBe('connected');
    for (const other of [{ database: theirs }, { database: 'mysql' }, { user: 'root', password: '' }, { user: theirs }]) {
      expect([other, await connect({ ...mine, ...other })]).toEqual([other, expect.stringContaining('Access denied')]);
    }
  });

  it('takes no sign in the name of a site for a wildcard', async () => {
    const mine = await own();
    const server = await root();
    const asked = (sql: string) => asRoot(server, (connection) => connection.query(sql));
    const [pattern, user] = [mysql.escapeId(mine.database), `${mysql.escape(mine.user)}@'localhost'`];
    const alike = mine.database.replace('_', 'X');
    await asked(`CREATE DATABASE IF NOT EXISTS ${alike}`);
    try {
      expect(await connect({ ...mine, database: alike })).toContain('Access denied');
      // As it would be with the name as it is.
      await asked(`GRANT SELECT ON ${pattern}.* TO ${user}`);
      expect(await connect({ ...mine, database: alike })).toBe('connected');
      await asked(`REVOKE SELECT ON ${pattern}.* FROM ${user}`);
      expect(await connect({ ...mine, database: alike })).toContain('Access denied');
    } finally {
      await asked(`DROP DATABASE ${alike}`);
    }
  });

  it('lets the public role read, and write nothing', async () => {
    const { database, reader, admin } = await sites().accessOf(sites().evil);
    const statements = [
      "INSERT INTO wp_options (option_name, option_value) VALUES ('evil', '1')",
      "UPDATE wp_users SET user_pass = ''",
      'DELETE FROM wp_posts',
      'DROP TABLE wp_posts',
      'CREATE TABLE evil (a INT)',
      'CREATE TEMPORARY TABLE evil (a INT)',
      'ALTER TABLE wp_posts ADD evil INT',
      'LOCK TABLES wp_options WRITE',
    ];
    const [read, ...refused] = await answers({ database, ...reader }, [
      "SELECT option_value FROM wp_options WHERE option_name = 'blog_charset'",
      ...statements,
    ]);
    expect(read).toEqual([['UTF-8']]);
    expect(statements.map((sql, index) => [sql, refused[index]])).toEqual(statements.map((sql) => [sql, expect.stringContaining('denied')]));
    // Of the other account it knows neither the password nor where it lies.
    const seen = await sites().asTenant<string>('echo json_encode(file_get_contents("/etc/subako/site/config.php"));');
    expect(seen).toContain(reader.password);
    expect(seen).not.toContain(admin.password);
  });

  it('reads and writes no files, changes nothing of the server, and shows nothing of others', async () => {
    const mine = await own();
    const theirs = `site_${sites().good.id}`;
    const denied = [
      'SELECT 1 INTO OUTFILE "/tmp/x"',
      'SET GLOBAL max_connections = 5',
      'SET GLOBAL local_infile = 1',
      'INSTALL PLUGIN evil SONAME "evil.so"',
      'CREATE FUNCTION evil RETURNS STRING SONAME "evil.so"',
      'CREATE DATABASE other',
      'CREATE USER other',
      "CREATE DEFINER = 'root'@'localhost' SQL SECURITY DEFINER VIEW evil AS SELECT 1",
      "CREATE DEFINER = 'root'@'localhost' EVENT evil ON SCHEDULE EVERY 1 SECOND DO SELECT 1",
      'GRANT ALL ON *.* TO CURRENT_USER()',
      "SHOW GRANTS FOR 'root'@'localhost'",
      `SHOW GRANTS FOR '${theirs}'@'localhost'`,
      'SELECT * FROM mysql.global_priv',
      `SELECT * FROM ${theirs}.wp_options`,
      `CREATE TABLE stolen AS SELECT * FROM ${theirs}.wp_options`,
      `RENAME TABLE wp_links TO ${theirs}.stolen`,
      'KILL 1',
      'SHUTDOWN',
      'FLUSH TABLES',
    ];
    const refused = await answers(mine, denied);
    expect(denied.map((sql, index) => [sql, refused[index]])).toEqual(
      denied.map((sql) => [sql, expect.stringMatching(/denied|not owner of thread|Unknown thread/u)]),
    );
    const [file, local, databases, processes, made, dropped] = await answers(mine, [
      'SELECT LOAD_FILE("/etc/passwd")',
      'LOAD DATA LOCAL INFILE "/etc/passwd" INTO TABLE wp_options',
      'SHOW DATABASES',
      'SHOW PROCESSLIST',
      'CREATE TABLE mine (a INT)',
      'DROP TABLE mine',
    ]);
    expect([file, local, databases]).toEqual([[[null]], expect.any(String), [['information_schema'], [mine.database]]]);
    expect(new Set((processes as string[][]).map((row) => row[1]))).toEqual(new Set([mine.user]));
    expect([made, dropped]).toEqual([true, true]);
  });

  it('ends statements of sites that take too long, also where the site has lifted the limit, and no others', async () => {
    const server = await root();
    const mine = { socketPath: server.socket, ...(await own()) };
    const loop = 'BEGIN NOT ATOMIC WHILE TRUE DO SET @x = 1; END WHILE; END';
    const long = ['SELECT SLEEP(100)', loop];
    const connections = await Promise.all([...long, 'idle'].map(() => mysql.createConnection(mine)));
    for (const connection of connections) connection.on('error', () => undefined);
    try {
      for (const connection of connections) await connection.query('SET SESSION max_statement_time = 0');
      const ends = long.map((sql, index) =>
        connections[index]?.query(sql).then(
          () => 'went on',
          () => 'ended',
        ),
      );
      const untouched = asRoot(server, (connection) => connection.query('SELECT SLEEP(4) AS interrupted'));
      const ended = async (): Promise<boolean> => (await endLongStatements(server, 2)) > 0;
      expect(await poll(ended, { timeoutMs: 20_000, everyMs: 100 })).toBe(true);
      expect(await ends[0]).toBe('ended');
      expect(await ends[1]).toBe('ended');
      expect((await untouched)[0]).toEqual([{ interrupted: 0 }]);
      expect((await connections[2]?.query('SELECT 1 AS works'))?.[0]).toEqual([{ works: 1 }]);
    } finally {
      for (const connection of connections) connection.destroy();
    }
  });

  it('gives a site so many connections and no more, and its neighbour still has some', async () => {
    const server = await root();
    const mine = { socketPath: server.socket, ...(await own()) };
    const open: mysql.Connection[] = [];
    try {
      const more = async (): Promise<string> => {
        for (let count = 0; count < 60; count += 1) open.push(await mysql.createConnection(mine));
        return 'all of them';
      };
      expect(await more().catch(String)).toContain('max_user_connections');
      expect(open.length).toBeLessThanOrEqual(40);
      expect(open.length).toBeGreaterThan(20);
      expect((await sites().platform.fetch(GOOD, '/')).status).toBe(200);
      expect((await open[0]?.query('SELECT @@max_statement_time AS seconds'))?.[0]).toEqual([{ seconds: 300 }]);
    } finally {
      for (const connection of open) connection.destroy();
    }
    // The server takes its time to notice; later tests need some of them.
    const left = async (): Promise<number> => {
      const [rows] = await asRoot(server, (connection) =>
        connection.query<mysql.RowDataPacket[]>('SELECT 1 FROM information_schema.processlist WHERE user = ?', [mine.user]),
      );
      return rows.length;
    };
    expect(await poll(async () => (await left()) < 20, { timeoutMs: 120_000, everyMs: 100 })).toBe(true);
  });
}
