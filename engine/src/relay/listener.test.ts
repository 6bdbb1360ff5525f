import { CodedError, type EngineMessage, message } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { Listener } from './listener.ts';

const said = message.log({ level: 'info', message: 'hello' }) as EngineMessage;
const forever = new Promise<void>(() => undefined);
const LONG_MS = 60_000;

describe('a listener', () => {
  it('is waited for once where one promise stands for many messages', async () => {
    const taken = Promise.withResolvers<void>();
    const listener = new Listener(() => taken.promise);
    const wait = listener.say(said);
    expect(listener.say(said)).toBe(wait);
    expect(listener.isBusy).toBe(true);
    taken.resolve();
    await wait;
    expect(listener.isBusy).toBe(false);
    expect(listener.say(said)).not.toBe(wait);
  });

  it('that returns something else than a promise is not waited for', () => {
    const listener = new Listener((() => 5) as never);
    expect(listener.say(said)).toBeUndefined();
    expect(listener.isBusy).toBe(false);
  });

  it('that fails is not waited for any more, whatever else it has promised', async () => {
    const answers = [() => forever, () => Promise.reject(new Error('no'))];
    const listener = new Listener(() => answers.shift()!());
    const waits = [listener.say(said), listener.say(said)];
    await Promise.all(waits);
    expect(listener.failed.reason).toBeInstanceOf(CodedError);
    expect(listener.failed.reason.text).toMatch(/"log": no. Mend the listener/);
    await listener.whenQuiet(LONG_MS, undefined);
    expect(listener.say(said)).toBeUndefined();
  });

  it('has failed by the first of its errors, also when that is nothing', async () => {
    const listener = new Listener(() => Promise.reject(undefined));
    await Promise.all([listener.say(said), listener.say(said)]);
    expect(listener.failed.reason).toMatchObject({ code: 'internal', message: expect.stringContaining('undefined') });
  });

  it('is waited for in the end until it has taken everything, the time is up or somebody gives up', async () => {
    const quick = new Listener(() => Promise.resolve());
    quick.say(said);
    await quick.whenQuiet(LONG_MS, undefined);
    expect(quick.isBusy).toBe(false);
    const stalled = new Listener(() => forever);
    stalled.say(said);
    await stalled.whenQuiet(1, undefined);
    await stalled.whenQuiet(LONG_MS, AbortSignal.abort());
    expect(stalled.isBusy).toBe(true);
  });
});
