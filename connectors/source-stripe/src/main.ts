#!/usr/bin/env node
import { runConnector } from '@penstock/connector-sdk';
import { stripeSource } from './source.ts';

await runConnector(stripeSource);
