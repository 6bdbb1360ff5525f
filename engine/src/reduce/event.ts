import type { Message } from '@penstock/protocol';

/**
 * What the reducers learn from. `at` is when the engine saw it, in milliseconds since 1970: reducers have no clock of
 * their own, so the same events give the same result.
 */
export type EngineEvent = { readonly at: number } & (
  | {
      /** A message that came out of the destination, or that a connector said to the engine itself. */
      readonly type: 'message';
      readonly message: Message;
    }
  | {
      /** Records that the relay passed on to the destination. Nothing is known yet about their being committed. */
      readonly type: 'records_relayed';
      readonly stream: string;
      readonly count: number;
    }
  | {
      /** Time has passed; to be reduced before progress is shown. */
      readonly type: 'tick';
    }
);
