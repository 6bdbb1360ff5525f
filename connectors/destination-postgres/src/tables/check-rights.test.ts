import { expect, it } from 'vitest';
import { findLacks, type Rights } from './check-rights.ts';

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
