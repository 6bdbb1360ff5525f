/**
 * Writes schema/pipeline.json, the JSON Schema of the pipeline file, and its page in docs/reference. `--check` writes nothing and
 * fails when one is not what would be written.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pipelineJsonSchema } from './pipeline-json-schema.ts';
import { pipelinePage } from './pipeline-page.ts';

const root = resolve(import.meta.dirname, '../../..');
const files = {
  'engine/schema/pipeline.json': `${JSON.stringify(pipelineJsonSchema(), undefined, 2)}\n`,
  'docs/reference/pipeline-file.md': pipelinePage(),
};

for (const [name, text] of Object.entries(files)) {
  const file = resolve(root, name);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
  if (process.argv.includes('--check')) {
    console.error(`${name} is not current. Run: npm run generate -w @penstock/engine`);
    process.exitCode = 1;
  } else writeFileSync(file, text);
}
