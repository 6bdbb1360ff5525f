export { type Authority, type Certificate, makeAuthority } from './certificates.ts';
