import type { Client } from 'pg';
import { type Mark, readMark } from './mark.ts';

/** A table that Penstock made, by its comment. */
export type OwnTable = Mark & {
  readonly name: string;
  readonly comment: string;
  readonly owner: string;
  /** Whether the user that is connected may do what an owner may. */
  readonly isOwned: boolean;
};

/** Finds the tables in a schema that Penstock made, in one query that locks nothing. */
export async function readOwnTables(client: Client, schema: string): Promise<OwnTable[]> {
  const { rows } = await client.query<{ name: string; comment: string; owner: string; is_owned: boolean }>(
    `select c.relname as name, obj_description(c.oid, 'pg_class') as comment, pg_get_userbyid(c.relowner) as owner,
       pg_has_role(c.relowner, 'usage') as is_owned
     from pg_class c join pg_namespace s on s.oid = c.relnamespace
     where s.nspname = $1 and c.relkind = 'r' and obj_description(c.oid, 'pg_class') like 'Made by Penstock from the stream %'
     order by c.relname`,
    [schema],
  );
  return rows.flatMap(({ name, comment, owner, is_owned }) => {
    const mark = readMark(comment);
    return mark ? [{ ...mark, name, comment, owner, isOwned: is_owned }] : [];
  });
}
