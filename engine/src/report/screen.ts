import { type Instance, render, Text } from 'ink';
import { createElement } from 'react';

/** A terminal's other screen, with a text on it. */
export interface Screen {
  /** Draws the text as it is now. */
  draw(): void;
  /** Forgets what was drawn. */
  clear(): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

/** Opens a terminal's other screen. This module takes a while to load, and most runs have no terminal: import it only for one. */
export function openScreen(stdout: NodeJS.WriteStream, text: () => string, framesPerSecondMax: number): Screen {
  const frame = () => createElement(Text, { wrap: 'truncate' }, text());
  const app: Instance = render(frame(), {
    stdout,
    alternateScreen: true,
    // The engine decides what Ctrl+C does, and whether this is a terminal.
    exitOnCtrlC: false,
    // Nothing here prints by console; what connectors print is read, not shown.
    patchConsole: false,
    interactive: true,
    maxFps: framesPerSecondMax,
  });
  return { draw: () => app.rerender(frame()), clear: () => app.clear(), close: () => app.unmount() };
}
