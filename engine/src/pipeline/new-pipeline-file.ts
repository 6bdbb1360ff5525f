// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in the user's syntax
import type { JsonSchema } from '@penstock/protocol';
import * as z from 'zod';
import { configForFile } from '../launch/config-for-file.ts';
import { configSettings } from './config-settings.ts';
import { isEnvironmentReference } from './environment.ts';
import {
  type ConnectorChoice,
  type DockerSettings,
  dockerSchema,
  type LauncherName,
  metricsSchema,
  type Pipeline,
  pipelineSchema,
} from './pipeline-schema.ts';
import type { Side } from './resolve-connector.ts';
import { commentLines, type Setting, settingLines } from './setting.ts';

/** One side of a pipeline that a file is written for. */
export interface NewSide {
  readonly choice: ConnectorChoice;
  /** Of its config, from its `spec`; undefined for one that has its config elsewhere (`pipes`). */
  readonly schema: JsonSchema | undefined;
  /** What of its config is known already; texts that are a reference to the environment stay one. */
  readonly given: Readonly<Record<string, unknown>>;
}

/** What a new pipeline file is to say. */
export interface NewPipeline {
  readonly name: string;
  readonly source: NewSide;
  readonly destination?: NewSide | undefined;
  /** Names. */
  readonly streams?: readonly string[] | undefined;
  readonly state?: Pipeline['state'];
  readonly launcher?: LauncherName | undefined;
  readonly docker: DockerSettings;
  /** The address of the JSON Schema, for editors. */
  readonly schemaAddress?: string | undefined;
}

/** A pipeline file for people to change, and the dotted names of what they have to put in themselves. */
export interface NewPipelineFile {
  readonly text: string;
  readonly placeholders: readonly string[];
}

const shape = pipelineSchema.shape;

/** Writes a pipeline file: what is known stands there, everything else behind a `#`, with what it means. Pure. */
export function newPipelineFile(pipeline: NewPipeline): NewPipelineFile {
  const settings = [
    { key: 'name', meaning: meaning('name'), isOn: true, value: literal(pipeline.name) },
    sideSetting('source', pipeline),
    sideSetting('destination', pipeline),
    streamsSetting(pipeline.streams),
    stateSetting(pipeline),
    {
      key: 'launcher',
      meaning: meaning('launcher'),
      isOn: pipeline.launcher !== undefined,
      value: pipeline.launcher ?? 'process',
    },
    sectionSetting('docker', dockerSchema, pipeline.docker),
    sectionSetting('metrics', metricsSchema, {}),
  ];
  const { schemaAddress } = pipeline;
  const address = schemaAddress === undefined ? [] : [`# yaml-language-server: $schema=${schemaAddress}`];
  const text = [...address, ...commentLines(ABOUT), '', ...settingLines(settings)].join('\n');
  return { text: `${text}\n`, placeholders: placeholdersIn(settings) };
}

const ABOUT = [
  'A pipeline of Penstock. `#key:` is a setting that is off: without the # in front it counts.',
  '${NAME} is the environment; KEY_file, in the place of KEY, names a file with the value.',
];

function meaning(key: keyof typeof shape, ...more: readonly string[]): string[] {
  return [[shape[key].description ?? '', ...more].join(' ')];
}

/** A value that is meant as it is: what looks like a reference is none. */
function literal(value: unknown): unknown {
  return configForFile(value);
}

/** Values that were given for the config: a text that is a reference is one. */
function givenValue(value: unknown): unknown {
  if (typeof value === 'string') return isEnvironmentReference(value) ? value : literal(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return literal(value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, givenValue(inner)]));
}

function sideSetting(side: Side, pipeline: NewPipeline): Setting {
  const chosen = pipeline[side];
  const setting = { key: side, meaning: meaning(side), isOn: chosen !== undefined, value: undefined };
  if (chosen === undefined) return { ...setting, value: { type: 'postgres' } };
  const { choice } = chosen;
  const said = { meaning: [], isOn: true };
  switch (choice.kind) {
    case 'type': {
      const type = { ...said, key: 'type', value: choice.type };
      // The config has the name of the type, which the key with the type has already.
      if (choice.type === 'type') return { ...setting, below: [type] };
      return { ...setting, below: [type, configSetting(choice.type, chosen, prefixOf(side, pipeline))] };
    }
    case 'command':
    case 'image': {
      const value = literal(choice.kind === 'command' ? choice.command : choice.image);
      const config = configSetting('config', chosen, prefixOf(side, pipeline));
      return { ...setting, below: [{ ...said, key: choice.kind, value }, config] };
    }
    case 'pipes':
      return { ...setting, below: [{ ...said, key: 'pipes', value: literal(choice.pipes) }] };
  }
}

function configSetting(key: string, { schema = {}, given }: NewSide, prefix: string): Setting {
  const below = configSettings(schema, givenValue(given) as Record<string, unknown>, prefix);
  return { key, meaning: [], isOn: true, ...(below.length === 0 ? { value: {} } : { value: undefined, below }) };
}

/** As the engine itself looks for a key in the environment; by side where both sides would have the same names. */
function prefixOf(side: Side, pipeline: NewPipeline): string {
  const [own, other] = [pipeline[side], side === 'source' ? pipeline.destination : pipeline.source].map((one) =>
    one?.choice.kind === 'type' ? one.choice.type : undefined,
  );
  if (own === undefined) return side;
  return own === other ? `${side}_${own}` : own;
}

const streamKeys = Object.keys(shape.streams.unwrap().element.shape).filter((key) => key !== 'name');

function streamsSetting(names: readonly string[] | undefined): Setting {
  return {
    key: 'streams',
    meaning: meaning('streams', `An entry may also have: ${streamKeys.join(', ')}.`),
    isOn: names !== undefined,
    value: (names ?? ['*']).map((name) => ({ name: literal(name) })),
  };
}

function stateSetting({ name, state, destination }: NewPipeline): Setting {
  const isElsewhere =
    destination === undefined || (destination.choice.kind === 'type' && destination.choice.type === 'postgres');
  const offered = isElsewhere
    ? { postgres: { url: '${STATE_DATABASE_URL}' } }
    : { file: `${fileName(name)}.state.json` };
  return {
    key: 'state',
    meaning: meaning('state', 'Either `postgres` with a `url`, or `file` with a path.'),
    isOn: state !== undefined || !isElsewhere,
    value: state === undefined ? offered : givenValue(state),
  };
}

function fileName(name: string): string {
  return name.replace(/[^\p{L}\p{N}._-]+/gu, '-');
}

/** A section of the engine's own. */
function sectionSetting(key: 'docker' | 'metrics', schema: z.ZodType, said: object): Setting {
  const given = literal(said) as Record<string, unknown>;
  const below = configSettings(z.toJSONSchema(schema) as JsonSchema, given, key);
  const isOn = Object.keys(given).length > 0;
  const shown = isOn ? below : below.map((setting) => ({ ...setting, isOn: setting.isPlaceholder !== true }));
  return { key, meaning: meaning(key), isOn, value: undefined, below: shown };
}

/** The dotted names of what is on and has no value yet. */
function placeholdersIn(settings: readonly Setting[]): string[] {
  return settings
    .filter(({ isOn }) => isOn)
    .flatMap(({ key, isPlaceholder, below = [] }) => [
      ...(isPlaceholder === true ? [key] : []),
      ...placeholdersIn(below).map((inner) => `${key}.${inner}`),
    ]);
}
