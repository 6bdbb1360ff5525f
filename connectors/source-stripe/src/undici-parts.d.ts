/**
 * Parts of undici by themselves: the whole of it, with its mocks, caches and browsers' APIs, takes three times as long to load.
 * They are no interface of the package, so its version is given exactly: look at them when it is raised.
 */
declare module 'undici/lib/dispatcher/agent.js' {
  export { Agent as default } from 'undici';
}

declare module 'undici/lib/dispatcher/env-http-proxy-agent.js' {
  export { EnvHttpProxyAgent as default } from 'undici';
}

declare module 'undici/lib/core/errors.js' {
  export { errors as default } from 'undici';
}
