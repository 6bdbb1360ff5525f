import { hostname } from 'node:os';
import { CodedError } from '@penstock/protocol';
import type { LeaseHolder } from './state-store.ts';

/** How long a lease lasts without renewal. An engine that hangs, or whose host is gone, holds others up for this long. */
export const LEASE_MS = 30_000;

/** How often a lease is renewed: two renewals may fail before it expires. */
export const LEASE_RENEWAL_MS = 10_000;

/** Host and process id of this engine. */
export function thisProcess(): { readonly host: string; readonly pid: number } {
  return { host: hostname(), pid: process.pid };
}

/** The refusal of a second engine: says who holds the lease, and since when. */
export function leaseHeld(pipeline: string, holder: LeaseHolder): CodedError {
  return new CodedError('lease_held', {
    message: `Another engine is running pipeline "${pipeline}": process ${holder.pid} on ${holder.host}, since ${holder.since}.`,
  });
}

/** The end of an engine whose lease another one has taken: it hung, or could not reach the store, for too long. */
export function leaseLost(pipeline: string, holder?: LeaseHolder): CodedError {
  const by = holder === undefined ? '' : ` (process ${holder.pid} on ${holder.host}, since ${holder.since})`;
  return new CodedError('lease_held', {
    message: `Another engine has taken over pipeline "${pipeline}"${by}, because this one had not renewed its lease in time. Nothing of it was overwritten.`,
    remedy: 'Let the other one finish, then run again.',
  });
}
