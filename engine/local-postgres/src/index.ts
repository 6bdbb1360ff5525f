export type { PostgresVersion } from './binaries.ts';
export { type Binaries, findBinaries } from './binaries.ts';
export { LocalPostgresError, type LocalPostgresErrorCode } from './error.ts';
export { type LocalPostgres, type LocalPostgresOptions, startLocalPostgres } from './start.ts';
