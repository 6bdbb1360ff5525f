/**
 * Writes schema/pipeline.json, the JSON Schema of the pipeline file. `--check` writes nothing and fails when it is not what would
 * be written.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pipelineJsonSchema } from './pipeline-json-schema.ts';

const schemaFile = resolve(import.meta.dirname, '../../schema/pipeline.json');
const before = existsSync(schemaFile) ? readFileSync(schemaFile, 'utf8') : '';
const after = `${JSON.stringify(pipelineJsonSchema(), undefined, 2)}\n`;

if (process.argv.includes('--check')) {
  if (after !== before) {
    console.error('engine/schema/pipeline.json is not current. Run: npm run generate -w @penstock/engine');
    process.exitCode = 1;
  }
} else if (after !== before) writeFileSync(schemaFile, after);
