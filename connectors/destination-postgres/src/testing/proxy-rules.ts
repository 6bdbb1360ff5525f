import {
  type PassingMessage,
  type PostgresProxy,
  type ProxyRules,
  startProxy,
  type Verdict,
} from './postgres-proxy.ts';

/** Tells whether a message is the one that something is to happen at. */
export type Match = (message: PassingMessage) => boolean;

/** Rules that let happen something once, at the first message that matches. */
export function once(verdict: Verdict, matches: Match): ProxyRules & { readonly isDone: () => boolean } {
  let done = false;
  return {
    isDone: () => done,
    onMessage: (message) => {
      if (done || !matches(message)) return 'pass';
      done = true;
      return verdict;
    },
  };
}

/** A message of the client of this type and with such a text. */
export function says(type: string, pattern: RegExp): Match {
  return (message) => message.from === 'client' && message.type === type && pattern.test(message.text);
}

/** A statement of the client, sent as a query or to be prepared. */
export function asks(pattern: RegExp): Match {
  return (message) => says('Q', pattern)(message) || says('P', pattern)(message);
}

/** The server's answer of this type (`C`: it is done) to the first message that matches. Counts: for one use. */
export function answerTo(asked: Match, type = 'C'): Match {
  let connection: number | undefined;
  return (message) => {
    if (asked(message)) connection ??= message.connection;
    return message.from === 'server' && message.connection === connection && message.type === type;
  };
}

/** Runs something with a proxy of its own. Without encryption, so that the proxy can read along. */
export async function throughProxy<T>(
  databaseUrl: string,
  rules: ProxyRules,
  run: (url: string, proxy: PostgresProxy) => Promise<T>,
): Promise<T> {
  const proxy = await startProxy(databaseUrl, rules);
  try {
    return await run(`${proxy.url}?sslmode=disable`, proxy);
  } finally {
    await proxy.close();
  }
}
