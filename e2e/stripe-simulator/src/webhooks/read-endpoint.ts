import { readParameters } from '../http/query.ts';
import {
  parameterMissing,
  parametersExclusive,
  parameterUnknown,
  urlInvalid,
  valueRefused,
} from '../http/stripe-error.ts';

/** A webhook endpoint as a request asks for it. */
export type EndpointRequest = {
  url: string;
  enabledEvents: readonly string[];
  metadata: Readonly<Record<string, string>>;
  description: string | null;
  /** The version that its events are rendered as; the account's where null. */
  apiVersion: string | null;
};

const known: ReadonlySet<string> = new Set([
  'api_version',
  'connect',
  'description',
  'enabled_events',
  'expand',
  'metadata',
  'url',
]);
/** Stripe API reference, Metadata: 50 keys of up to 40 characters, values of up to 500. */
const metadataMax = { keys: 50, keyCharacters: 40, valueCharacters: 500 } as const;

/**
 * Reads the form of `POST /v1/webhook_endpoints`.
 *
 * @throws StripeError 400 for what is missing, unknown or invalid
 */
export function readEndpoint(form: URLSearchParams): EndpointRequest {
  const values = readParameters(form);
  for (const name of values.keys()) if (!known.has(name)) throw parameterUnknown(name);
  const url = values.get('url')?.text ?? '';
  if (url === '') throw parameterMissing('url');
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw urlInvalid('url');
  const enabledEvents = values.get('enabled_events')?.items ?? [];
  if (enabledEvents.length === 0) throw parameterMissing('enabled_events');
  for (const [i, type] of enabledEvents.entries()) {
    if (type !== '*' && !/^[a-z\d_]+(\.[a-z\d_]+)+$/.test(type))
      throw valueRefused(`enabled_events[${i}]`, `"${type}" is neither an event type nor *`);
  }
  const apiVersion = values.get('api_version')?.text ?? '';
  if (apiVersion !== '' && !/^\d{4}-\d\d-\d\d(\.[a-z]+)?$/.test(apiVersion))
    throw valueRefused('api_version', `"${apiVersion}" is no version`);
  return {
    url,
    enabledEvents,
    metadata: readMetadata(form),
    description: values.get('description')?.text || null,
    apiVersion: apiVersion === '' ? null : apiVersion,
  };
}

/** Read from the form itself, since a key may look like a number. */
function readMetadata(form: URLSearchParams): Record<string, string> {
  const metadata = new Map<string, string>();
  for (const [name, value] of form) {
    const key = /^metadata\[(.*)\]$/s.exec(name)?.[1];
    if (key === undefined) continue;
    if (key === '' || key.length > metadataMax.keyCharacters || /[[\]]/.test(key))
      throw parametersExclusive(
        `Metadata keys have 1 to ${metadataMax.keyCharacters} characters and no square brackets; "${key}" is none.`,
      );
    if (value.length > metadataMax.valueCharacters)
      throw parametersExclusive(
        `Metadata values have up to ${metadataMax.valueCharacters} characters; that of "${key}" has ${value.length}.`,
      );
    if (value !== '') metadata.set(key, value);
  }
  if (metadata.size > metadataMax.keys)
    throw parametersExclusive(`Metadata has up to ${metadataMax.keys} keys, not ${metadata.size}.`);
  return Object.fromEntries(metadata);
}
