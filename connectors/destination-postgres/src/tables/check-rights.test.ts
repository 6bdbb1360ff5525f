import { expect, it } from 'vitest';
import { type ForeignTable, findLacks, noteForeignTables, type Rights } from './check-rights.ts';

const all: Rights = {
  server_version: '18.1',
  server_version_num: 180_001,
  database: 'db',
  user: 'sync',
  is_standby: false,
  is_read_only: false,
  read_only_source: 'default',
  has_schema: true,
  may_create_schema: true,
  may_use_schema: true,
  may_create_tables: true,
  may_make_temporary: true,
};
const read = (rights: Partial<Rights>, schema = 'stripe') =>
  findLacks({ ...all, ...rights }, schema).map(({ what, remedy }) => `${what}: ${remedy}`);

it.each<[string, Partial<Rights>, RegExp[]]>([
  ['of a server that has everything', {}, []],
  ['of a schema that can be made', { has_schema: false, may_use_schema: false, may_create_tables: false }, []],
  ['of an old server', { server_version: '14.9', server_version_num: 140_009 }, [/PostgreSQL 14.9: Version 15/]],
  [
    'of a standby, which is read-only as well',
    { is_standby: true, is_read_only: true },
    [/standby/, /read-only for user/],
  ],
  [
    'where everything is missing',
    { is_standby: true, may_create_tables: false, may_make_temporary: false },
    [/primary server/, /grant create on schema "stripe" to "sync"/, /grant temporary on database "db" to "sync"/],
  ],
])('what is missing %s is named, each with its remedy', (_, rights, expected) => {
  const lacks = read(rights);
  expect(lacks).toHaveLength(expected.length);
  for (const [index, pattern] of expected.entries()) expect(lacks[index]).toMatch(pattern);
});

const rowRights = ['select', 'insert', 'update', 'delete'];
const table = (name: string, more: Partial<ForeignTable> = {}): ForeignTable => ({
  name,
  owner: 'postgres',
  kind: 'table',
  missing: rowRights,
  ...more,
});
const note = (...tables: ForeignTable[]) => noteForeignTables(tables, 'stripe', 'sync');

it('a table of another user is never made accessible by granting that user', () => {
  const said = note(table('a'), table('b', { owner: 'boss', missing: [] }), table('s', { kind: 'side' })).join('\n');
  expect(said).not.toMatch(/grant "?(postgres|boss)/);
});

it('tables of other users are noted by owner, with only the rights that are missing', () => {
  expect(note()).toEqual([]);
  expect(note(table('a'), table('b', { missing: ['delete'] }), table('c', { owner: 'boss', missing: [] }))).toEqual([
    'User "postgres" owns "stripe"."a", "stripe"."b". For user "sync" to write rows, run: grant select, insert, update, delete on "stripe"."a", "stripe"."b" to "sync"; only the owner of a table can add columns and indexes to it: for that, run for each of them: alter table "stripe"."a" owner to "sync";',
    'User "boss" owns "stripe"."c". Only the owner of a table can add columns and indexes to it: for that, run: alter table "stripe"."c" owner to "sync";',
  ]);
});

it('a side table of another user is of no use with rights on rows alone', () => {
  expect(note(table('s', { kind: 'side' }))).toEqual([
    expect.stringMatching(/^(?!.*grant).*and end an overwrite with it: for that, run: alter table "stripe"."s" owner/),
  ]);
});
