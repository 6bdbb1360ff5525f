#!/usr/bin/env node
import type { AddressInfo } from 'node:net';
import { readCommandLine, UsageError } from './command-line.ts';
import { createSimulatorServer } from './http/server.ts';
import { ChangeSchedule, stepsPerSecond } from './schedule.ts';
import { Simulator } from './simulator.ts';

// Nothing here is worth saving: at once, with connections open, is how it should end.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0));

function fail(message: string): void {
  process.stderr.write(`stripe-simulator: ${message}\n`);
  process.exitCode = 2;
}

function start(): void {
  const args = process.argv.slice(2);
  const { port, host, simulator: options, schedule: rates } = readCommandLine(args, Math.floor(Date.now() / 1000));
  // yargs has printed it by then.
  if (args.includes('--help') || args.includes('--version')) return;
  const simulator = new Simulator(options);
  const schedule = new ChangeSchedule(simulator, rates);
  const server = createSimulatorServer(simulator, schedule);
  server.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE')
      fail(`Port ${port} on ${host} is in use. Give another with --port, or --port 0 for a free one.`);
    else fail(`Cannot listen on ${host}:${port}: ${error.message}`);
  });
  server.listen(port, host, () => {
    const address = server.address() as AddressInfo;
    const shown = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    process.stdout.write(`${JSON.stringify({ type: 'listening', url: `http://${shown}:${address.port}` })}\n`);
    setInterval(() => schedule.step(), 1000 / stepsPerSecond);
  });
}

try {
  start();
} catch (error) {
  if (!(error instanceof UsageError || error instanceof RangeError)) throw error;
  fail(`${error.message.replace(/[^.]$/, '$&.')} See stripe-simulator --help.`);
}
