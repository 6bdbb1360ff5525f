-- State of pipelines between runs, and who may write it. Runs inside the schema of the store (its search path).

create table lease (
  pipeline text primary key,
  -- Grows with every holder. Each write checks it, so an engine that was paused and replaced can't write any more.
  epoch bigint not null,
  holder_host text,
  holder_pid integer,
  since timestamptz,
  -- By this server's clock, so that engines need no clocks that agree.
  expires_at timestamptz,
  -- The holder's database session: when it is gone so is the holder, and nobody waits for the lease to expire.
  session_pid integer,
  session_start timestamptz
);

comment on table lease is 'Which engine works on which pipeline; all but the epoch is null when none does';

create table sync_state (
  pipeline text not null,
  section text not null check (section in ('source_stream', 'source_global', 'destination', 'sync_run')),
  -- Empty where a section is not about one stream.
  stream text not null default '',
  -- json, not jsonb: what a source keeps comes back exactly as it was written.
  data json not null,
  epoch bigint not null,
  updated_at timestamptz not null,
  primary key (pipeline, section, stream)
);

comment on table sync_state is 'Checkpoints of sources, and the run: section sync_run has one row for the run (stream empty) and the progress of each stream';
