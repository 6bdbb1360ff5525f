-- What runs came to: a row for each call of `penstock sync`, written by the holder of the lease when it begins and when it ends.

create table run (
  id bigint generated always as identity primary key,
  pipeline text not null,
  -- Calls with the same one belong to the same run.
  run_id text not null,
  epoch bigint not null,
  started_at timestamptz not null,
  -- Null while it goes on. For one that was killed: when the next one found that out.
  ended_at timestamptz,
  outcome text not null check (outcome in ('running', 'done', 'stopped', 'failed', 'interrupted')),
  error text,
  records bigint,
  created bigint,
  updated bigint,
  deleted bigint,
  skipped bigint,
  engine_version text not null
);

create index run_of_pipeline on run (pipeline, id);

comment on table run is 'The last calls of penstock sync, by pipeline';
