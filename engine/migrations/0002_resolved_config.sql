-- What connectors found out about their configs, beside the checkpoints: one row for each side that did.

alter table sync_state drop constraint sync_state_section_check;
alter table sync_state add constraint sync_state_section_check
  check (section in ('source_stream', 'source_global', 'destination', 'sync_run', 'resolved_config'));

comment on column sync_state.stream is
  'The stream that a row is about; source or destination in section resolved_config; else empty';
