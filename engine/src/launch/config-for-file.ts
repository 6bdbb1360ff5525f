const REFERENCE = /\$\{[A-Za-z_][A-Za-z0-9_]*\}/g;

/**
 * A config, all references resolved, as it is written into a file for a connector. A connector takes `${NAME}` in its config
 * file for the environment and `$${NAME}` for the text `${NAME}`, so a value that happens to hold such a text, for example
 * a password, is written in the second way: nothing is resolved twice. Pure.
 */
export function configForFile(config: unknown): unknown {
  if (typeof config === 'string') return config.replace(REFERENCE, '$$$&');
  if (Array.isArray(config)) return config.map(configForFile);
  if (typeof config !== 'object' || config === null) return config;
  return Object.fromEntries(Object.entries(config).map(([key, inner]) => [key, configForFile(inner)]));
}
