import { ConnectorError, type Destination, type DestinationContext, type WriteContext } from '@penstock/connector-sdk';
import { addressOf, hangUp, safetyAdvice, safetyText } from '@penstock/postgres-connection';
import type { ConfiguredCatalog, DestinationMessage } from '@penstock/protocol';
import packageJson from '../package.json' with { type: 'json' };
import { type Config, configSchema } from './config.ts';
import { connect, prepareWriting } from './connect/connection.ts';
import { withSession } from './connect/with-session.ts';
import { checkRights } from './tables/check-rights.ts';
import { teardownTables } from './tables/teardown.ts';
import { prepareCatalog, prepareWrite } from './write/prepare-write.ts';
import { storeThenConfirm } from './write/store-then-confirm.ts';

/** Writes streams into tables of a Postgres database. */
export const destination: Destination<typeof configSchema> = {
  name: 'postgres',
  version: packageJson.version,
  description: 'Writes each stream into a table of a Postgres database, by COPY and merge.',
  config: configSchema,
  syncModes: ['append', 'append_dedup', 'overwrite'],
  check,
  write,
  setup,
  teardown,
};

type SetupContext = DestinationContext<Config> & { readonly catalog?: ConfiguredCatalog };

async function check({ config }: DestinationContext<Config>): Promise<string> {
  const client = await connect(config);
  try {
    const { serverVersion, notes } = await checkRights(client, config);
    await prepareWriting(client);
    const { target, safety, isPooled } = client;
    return [
      `PostgreSQL ${serverVersion} at ${addressOf(target)}${isPooled ? ' behind a pooler' : ''}, database "${target.database}", schema "${config.schema}".`,
      `The connection is ${safetyText[safety]}.`,
      safetyAdvice(safety),
      ...notes,
    ]
      .filter(Boolean)
      .join(' ');
  } finally {
    await hangUp(client);
  }
}

async function setup({ config, catalog, log }: SetupContext): Promise<undefined> {
  const client = await connect(config);
  try {
    const prepared = await prepareCatalog(client, config, catalog ?? { streams: [] }, log);
    const errors = [...prepared.values()].filter((plan) => plan instanceof ConnectorError);
    for (const error of errors.slice(1)) log.error(error.text);
    if (errors[0]) throw errors[0];
    log.info(
      `Schema "${config.schema}" is there${prepared.size === 0 ? '' : `, with the tables of ${prepared.size} streams`}.`,
    );
  } finally {
    await hangUp(client);
  }
}

async function teardown({ config, catalog, log }: SetupContext): Promise<void> {
  const client = await connect(config);
  try {
    await teardownTables(client, config, catalog, log);
  } finally {
    await hangUp(client);
  }
}

async function* write(context: WriteContext<Config>): AsyncGenerator<DestinationMessage> {
  const { config, catalog, log, signal, stopRequested } = context;
  let isAdvised = false;
  const trouble = { config, log, signal, stopRequested, what: 'Preparing the tables' };
  const prepared = await withSession(trouble, (session) => {
    const advice = safetyAdvice(session.safety);
    if (advice && !isAdvised) log.warn(`The connection to Postgres is ${safetyText[session.safety]}. ${advice}`);
    isAdvised = true;
    return prepareWrite(session, config, catalog, log);
  });
  yield* storeThenConfirm(context, prepared.tables, prepared.overwrites);
}
