#!/usr/bin/env node
import { runConnector } from '@penstock/connector-sdk';
import { destination } from './destination.ts';

await runConnector(destination);
