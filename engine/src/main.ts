#!/usr/bin/env node
import './young-generation.ts';
import { runCli } from './cli.ts';

// Not process.exit: it would drop what stdout still holds.
process.exitCode = await runCli(process.argv.slice(2));
