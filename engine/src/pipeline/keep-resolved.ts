import { type LogPayload, type ResolvedPart, secretValues, splitSecrets } from '@penstock/protocol';
import type { SecretsFile } from '../store/secrets-file.ts';
import { fingerprintConfig, isFingerprintOf } from './config-fingerprint.ts';
import { findConfigProblems } from './connector-config.ts';
import type { PreparedSide } from './prepare.ts';
import { mergeUnder, resolvedBeyond } from './resolved-config.ts';

/** A side with what its connector found out in earlier runs. */
export interface AppliedResolved {
  readonly side: PreparedSide;
  /** What the user should know of it. */
  readonly log?: LogPayload;
}

/**
 * Puts what a connector found out about its config under the config that it is given now. It is used with the very config
 * that it came from: for another key or account other values may be right.
 *
 * @param part what the state has of it
 */
export async function applyResolved(
  side: PreparedSide,
  part: ResolvedPart | undefined,
  file: SecretsFile,
): Promise<AppliedResolved> {
  if (part === undefined) return { side };
  const { name } = side.connector;
  const keys = keysOf(part).join(', ');
  if (!(await isFingerprintOf(part.given, side.given))) {
    const message = `The config of ${name} is another one than when it found out: ${keys}. So that is not used.`;
    return { side, log: { level: 'info', message } };
  }
  const kept = (part.secret_keys ?? []).length === 0 ? undefined : (await file.load())[side.side];
  const secrets = kept?.given === part.given ? kept.config : {};
  const resolved = mergeUnder(part.config, secrets);
  const config = mergeUnder(resolved, side.config);
  const [problem] = findConfigProblems(config, { schema: side.spec.config, place: side.side });
  if (problem !== undefined) {
    const message = `What ${name} found out about its config (${keys}) is not used, because it is not valid any more: ${problem}.`;
    return { side, log: { level: 'warn', message } };
  }
  const used = {
    ...side,
    config,
    secrets: [...new Set([...side.secrets, ...secretValues(mergeUnder(resolved, side.given), side.spec.config)])],
  };
  const isMissing = kept?.given !== part.given && part.secret_keys !== undefined;
  return isMissing ? { side: used, log: secretsMissing(name, part.secret_keys!, file.path) } : { side: used };
}

function keysOf({ config, secret_keys = [] }: ResolvedPart): string[] {
  return [...new Set([...Object.keys(config), ...secret_keys])];
}

function secretsMissing(name: string, keys: readonly string[], path: string): LogPayload {
  const message = `${name} found out ${keys.join(', ')} in an earlier run, but that is not in ${path} any more. Put it into the config, or run \`penstock setup\`.`;
  return { level: 'warn', message };
}

/** What is to be kept for the next runs. */
export interface NewResolved {
  /** For the state; undefined when the connector found out nothing. */
  readonly part: ResolvedPart | undefined;
  readonly log?: LogPayload;
}

/**
 * Makes of a connector's whole config what is to be kept for the next runs: the secrets are written to their file, the
 * rest is given back for the state. In this order: the state never names secrets that are not there.
 *
 * @param whole from a `control` message; undefined when nothing is to be kept any more
 * @param before what the state has
 */
export async function keepResolved(
  side: PreparedSide,
  whole: Record<string, unknown> | undefined,
  before: ResolvedPart | undefined,
  file: SecretsFile,
): Promise<NewResolved> {
  const beyond = whole === undefined ? {} : resolvedBeyond(side.given, whole, side.spec.config);
  const { plain, secret, secretKeys } = splitSecrets(beyond, side.spec.config, side.secrets);
  const isSame = before !== undefined && (await isFingerprintOf(before.given, side.given));
  // The same one goes on, so that state and file fit also when this ends between the two.
  const given = isSame ? before.given : await fingerprintConfig(side.given);
  const log = await writeSecrets(
    side,
    secretKeys.length === 0 ? undefined : { given, config: secret },
    file,
    secretKeys,
  );
  const secret_keys = log === undefined && secretKeys.length > 0 ? [...secretKeys] : undefined;
  const isNothing = Object.keys(plain).length === 0 && secret_keys === undefined;
  const part = isNothing ? undefined : { given, config: plain, ...(secret_keys && { secret_keys }) };
  return { part, ...(log && { log }) };
}

/** @returns what to say when they could not be written */
async function writeSecrets(
  { side, connector }: PreparedSide,
  secrets: { readonly given: string; readonly config: Record<string, unknown> } | undefined,
  file: SecretsFile,
  keys: readonly string[],
): Promise<LogPayload | undefined> {
  try {
    const { [side]: known, ...others } = await file.load();
    if (secrets !== undefined) await file.save({ ...others, [side]: secrets });
    else if (known !== undefined) await file.save(others);
    return undefined;
  } catch (cause) {
    if (secrets === undefined) return undefined;
    const { code = String(cause) } = cause as NodeJS.ErrnoException;
    const message = `${connector.name} found out ${keys.join(', ')}, which is secret and can't be kept in ${file.path} (${code}). Put it into the config of the pipeline, or give a folder that can be written with XDG_DATA_HOME.`;
    return { level: 'warn', message };
  }
}
