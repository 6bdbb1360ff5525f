import { describe, expect, it } from 'vitest';
import { parseConnectionUrl } from './connection-url.ts';

const read: readonly (readonly [url: string, parameters: Record<string, string>])[] = [
  ['postgres://', {}],
  ['postgresql:///shop', { dbname: 'shop' }],
  [
    'postgres://sync:secret@db:5433/shop',
    { user: 'sync', password: 'secret', host: 'db', port: '5433', dbname: 'shop' },
  ],
  ['postgres://sync:p%40ss%2F%3A%25@db', { user: 'sync', password: 'p@ss/:%', host: 'db' }],
  ['postgres://sync:p@ss:w#rd@db/shop', { user: 'sync', password: 'p@ss:w#rd', host: 'db', dbname: 'shop' }],
  ['postgres://a%20b@db/two%20words', { user: 'a b', host: 'db', dbname: 'two words' }],
  ['postgres://[::1]:5433/shop', { host: '::1', port: '5433', dbname: 'shop' }],
  ['postgres://:5433/shop', { port: '5433', dbname: 'shop' }],
  ['postgres://h1:1,h2,h3:3/shop', { host: 'h1,h2,h3', port: '1,,3', dbname: 'shop' }],
  ['postgres://%2Fvar%2Frun/shop', { host: '/var/run', dbname: 'shop' }],
  ['postgresql:///shop?host=/var/run&port=5433', { host: '/var/run', port: '5433', dbname: 'shop' }],
  ['postgres://old/shop?host=new&dbname=other', { host: 'new', dbname: 'other' }],
  [
    'postgres://db?options=-c%20geqo=off&application_name=a+b',
    { host: 'db', options: '-c geqo=off', application_name: 'a+b' },
  ],
  ['postgres://db/shop?sslmode=&', { host: 'db', dbname: 'shop' }],
];

describe('a connection URL', () => {
  it.each(read)('%s is read', (url, parameters) => {
    expect(Object.fromEntries(parseConnectionUrl(url))).toEqual(parameters);
  });

  it.each([
    ['mysql://db', /does not begin with postgres/],
    ['postgres://u:secret%zz@db', /percent sign/],
    ['postgres://u:secret%00@db', /percent sign/],
    ['postgres://u:sec/ret@db/shop', /hold a character that ends them/],
    ['postgres://u:sec?ret@db/shop', /hold a character that ends them/],
    ['postgres://u:secret', /the port a number/],
    ['postgres://u:x@db:secret/shop', /the port a number/],
    ['postgres://u:x@[::1/secret', /the port a number/],
    ['postgres://db/shop?secret', /NAME=VALUE/],
  ])('%s is refused without repeating any of it', (url, why) => {
    const attempt = () => parseConnectionUrl(url);
    expect(attempt).toThrow(why);
    expect(attempt).not.toThrow(/secret|sec\/|sec\?/);
  });
});
