import { CodedError } from '@penstock/protocol';

/** The environment of a process, or what stands for it in a test. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** `$${NAME}` is no reference: it stands for the text `${NAME}`. */
const REFERENCE = /\$(\$?)\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Whether the text is one reference and nothing else: then it holds no secret itself. */
export function isEnvironmentReference(text: string): boolean {
  return /^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/.test(text);
}

/**
 * Puts the environment's values in the place of `${NAME}` in every string of a JSON value, and `${NAME}` in that of
 * `$${NAME}`. What a variable holds is taken as it is.
 *
 * @param path of the value, for the message
 * @throws CodedError `config_invalid` naming the path when a variable is not set or empty
 */
export function expandEnvironment(value: unknown, path: string, environment: Environment): unknown {
  if (typeof value === 'string') {
    return value.replace(REFERENCE, (all: string, dollar: string, name: string) => {
      if (dollar !== '') return all.slice(1);
      const found = environment[name];
      if (found !== undefined && found !== '') return found;
      throw new CodedError('config_invalid', {
        message: `${path}: the environment variable ${name} is not set.`,
        remedy: `Set ${name}, or write the value there.`,
      });
    });
  }
  if (Array.isArray(value)) return value.map((item, i) => expandEnvironment(item, `${path}[${i}]`, environment));
  if (typeof value !== 'object' || value === null) return value;
  const expanded = Object.entries(value).map(([key, inner]) => [
    key,
    expandEnvironment(inner, path === '' ? key : `${path}.${key}`, environment),
  ]);
  return Object.fromEntries(expanded);
}

/**
 * An environment in which a variable that is not set holds the reference to itself, so that the reference stays where it is
 * written.
 *
 * @param onUnset told the name of each that was asked for
 */
export function withOwnReferences(environment: Environment, onUnset?: (name: string) => void): Environment {
  return new Proxy(environment, {
    get: (set, key) => {
      const name = String(key);
      const found = Object.hasOwn(set, name) ? set[name] : undefined;
      if (found !== undefined && found !== '') return found;
      onUnset?.(name);
      return `\${${name}}`;
    },
  });
}
