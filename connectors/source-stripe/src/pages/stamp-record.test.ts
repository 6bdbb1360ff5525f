import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stampRecord } from './stamp-record.ts';

const fields = fc.dictionary(
  fc.constantFrom('a', 'deleted', '_as_of', '_parent_id', '_account_id', 'd'),
  fc.jsonValue(),
  {
    maxKeys: 5,
  },
);

describe('stampRecord', () => {
  it('replaces what has the name of a field of ours, says that an object is gone, and names its parent', () => {
    fc.assert(
      fc.property(fields, fields, (before, after) => {
        const object = { ...before, id: 'w_1', ...after };
        const bytes = Buffer.from(JSON.stringify(object));
        const plain = { ...JSON.parse(bytes.toString()), _account_id: 'acct_1', _as_of: 7 };
        const stamp = { accountId: 'acct_1', asOf: 7 };
        expect(JSON.parse(stampRecord(bytes, stamp).toString())).toEqual(plain);
        const all = stampRecord(bytes, { ...stamp, parentId: 'p"1', isDeleted: true }).toString();
        expect(JSON.parse(all)).toEqual({ ...plain, deleted: true, _parent_id: 'p"1' });
        expect(all.endsWith('"deleted":true,"_parent_id":"p\\"1","_account_id":"acct_1","_as_of":7}')).toBe(true);
      }),
    );
  });

  it('refuses what has no id', () => {
    expect(() => stampRecord(Buffer.from('{"a":1}'), { accountId: 'acct_1', asOf: 7 })).toThrow('has no id');
  });
});
