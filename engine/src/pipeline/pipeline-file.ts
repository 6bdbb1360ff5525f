import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { CodedError } from '@penstock/protocol';
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import type * as z from 'zod';
import { toDotPath } from 'zod/v4/core';
import { type Environment, expandEnvironment } from './environment.ts';
import { type Pipeline, pipelineKeys, pipelineSchema } from './pipeline-schema.ts';

/** How many mistakes of a file are named at once. */
const ISSUES_SHOWN_MAX = 5;

/** What keeps a file from being read, by the system's code. */
const unreadable: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
};

/**
 * Reads a pipeline file, JSON or YAML. Without a `name` in it the pipeline is called like the file.
 *
 * @throws CodedError `file_unreadable` or `file_invalid` with path and position, `config_invalid` with path, position, the
 *   key and the valid keys
 */
export async function readPipelineFile(path: string, environment: Environment): Promise<Pipeline & { name: string }> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = unreadable[code ?? ''] ?? String(code);
    throw new CodedError('file_unreadable', { message: `The pipeline file ${path} can't be read: ${why}.`, cause });
  }
  const pipeline = parsePipeline(text, path, environment);
  return { ...pipeline, name: pipeline.name ?? basename(path, extname(path)) };
}

/** The text of a pipeline file as a pipeline. @param path of the file, for messages */
export function parsePipeline(text: string, path: string, environment: Environment): Pipeline {
  if (text.trim() === '') throw new CodedError('file_unreadable', { message: `The pipeline file ${path} is empty.` });
  const lines = new LineCounter();
  // Without pretty errors, which quote the text: there may be a secret on that line (P7).
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [syntaxError] = document.errors;
  if (syntaxError !== undefined) {
    const { line, col } = lines.linePos(syntaxError.pos[0]);
    const message = `${path}:${line}:${col}: ${firstLine(syntaxError.message)}.`;
    // Between braces YAML takes the brace of ${NAME} for the start of a map.
    const inBraces = /[{,][^"'\n]*:\s*\$\{/.test(text.split('\n')[line - 1] ?? '');
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how it is written in a file
    const remedy = inBraces ? { remedy: 'Write "${NAME}" in quotes when it stands between braces.' } : {};
    throw new CodedError('file_invalid', { message, ...remedy });
  }
  const raw = toValue(document, path);
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    throw new CodedError('config_invalid', {
      message: `${path}: a pipeline is an object with the keys ${pipelineKeys.join(', ')}.`,
    });
  }
  const parsed = pipelineSchema.safeParse(expandEnvironment(raw, '', environment));
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const shown = issues.slice(0, ISSUES_SHOWN_MAX).map((issue) => {
    const at = positionOf(document, lines, issue);
    const where = issue.path.length === 0 ? '' : `${toDotPath(issue.path)}: `;
    return `${path}${at}: ${where}${issue.message}`;
  });
  const more = issues.length > shown.length ? ` (and ${issues.length - shown.length} more)` : '';
  throw new CodedError('config_invalid', { message: `${shown.join('\n')}${more}.`, remedy: '' });
}

/** The document as a value. @throws CodedError `file_invalid` for aliases that lead nowhere, or to far too much */
function toValue(document: Document, path: string): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    throw new CodedError('file_invalid', { message: `${path}: ${firstLine((cause as Error).message)}.`, cause });
  }
}

/** `:line:column` of what an issue is about, or of the nearest thing around it that stands in the file. */
function positionOf(document: Document, lines: LineCounter, issue: z.core.$ZodIssue): string {
  const at = (node: unknown): string | undefined => {
    if (!isNode(node) || !node.range) return undefined;
    const { line, col } = lines.linePos(node.range[0]);
    return `:${line}:${col}`;
  };
  if (issue.code === 'unrecognized_keys') {
    const parent = issue.path.length === 0 ? document.contents : document.getIn(issue.path, true);
    const pair = isMap(parent)
      ? parent.items.find(({ key }) => isScalar(key) && key.value === issue.keys[0])
      : undefined;
    if (pair !== undefined) return at(pair.key) ?? '';
  }
  for (let length = issue.path.length; length > 0; length--) {
    const found = at(document.getIn(issue.path.slice(0, length), true));
    if (found !== undefined) return found;
  }
  return '';
}

function firstLine(text: string): string {
  return text.split('\n')[0]!.replace(/[.:]$/, '');
}
