import { type EngineMessage, message } from '@penstock/protocol';
import { initialLoggedRun } from '../changes.ts';
import { liveFrame } from '../live-frame.ts';
import { logLine } from '../log-line.ts';
import { type Line, lineText } from '../paint.ts';
import { plainLines } from '../plain.ts';
import { summaryLines } from '../summary.ts';
import { exampleEnd, exampleRun } from './example-run.ts';

const pipeline = 'stripe-to-postgres';

/** Long enough for every stream to have ended. */
const WHOLE_S = 310;

interface Situation {
  readonly seconds: number;
  readonly idleS?: number;
  readonly said?: readonly EngineMessage[];
}

/** A live screen of the example, `width` × `height` as a terminal counts them. */
function live(width: number, height: number, { seconds, idleS, said = [] }: Situation): readonly Line[] {
  const { view, now, elapsedMs } = exampleRun(seconds, said, idleS);
  return liveFrame(view, {
    pipeline,
    runId: 'run_20260131T120000Z_5e1f0a',
    width,
    // As in the live view: a frame as high as the terminal makes it scroll.
    height: height - 1,
    elapsedMs,
    now,
    frame: 3,
    notices: said.flatMap((each) => (each.type === 'log' ? [logLine(each.log, each._emitted_by)] : [])),
  });
}

function plain(): readonly Line[] {
  let run = initialLoggedRun;
  return [0, 1, 2, 3, 4, 5, 6].flatMap((second) => {
    const { progress, now } = exampleRun(second);
    const change = plainLines(run, message.progress(progress), now, { pipeline, logLevel: 'info' });
    run = change.run;
    return change.lines;
  });
}

/** What a destination says that has lost its server. */
const lost: EngineMessage = {
  ...message.log({
    level: 'warn',
    message: 'Writing to "stripe"."charges" is tried again in 3000 ms (4): the server closed the connection',
    data: { retry_in_ms: 3000 },
  }),
  _emitted_by: 'destination/postgres',
};

/** The screens that the guide shows, by the name that stands in its markers. */
export const screens: Readonly<Record<string, () => readonly Line[]>> = {
  'live-80x24': () => live(80, 24, { seconds: 12 }),
  'live-200x60': () => live(200, 60, { seconds: 60 }),
  'live-40x12': () => live(40, 12, { seconds: 60 }),
  'waiting-80x24': () => live(80, 24, { seconds: 60, idleS: 6, said: [lost] }),
  'summary-80': () => summaryLines(exampleEnd(WHOLE_S, { reason: 'error' }), pipeline, 80),
  plain,
};

/** A screen as text: no colours, no spaces at the ends of lines. */
export function screenText(name: string): string {
  const draw = screens[name];
  if (draw === undefined)
    throw new Error(`there is no screen "${name}"; there are: ${Object.keys(screens).join(', ')}`);
  return draw()
    .map((line) => lineText(line).trimEnd())
    .join('\n');
}

/** The page with the block after each marker `<!-- screen: NAME -->` as it is drawn now. */
export function withScreens(page: string): string {
  return page.replace(
    /^(<!-- screen: (\S+) -->\n\n)```text\n.*?^```$/gms,
    (_block, marker: string, name: string) => `${marker}\`\`\`text\n${screenText(name)}\n\`\`\``,
  );
}
