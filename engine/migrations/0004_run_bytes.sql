-- How much was read, beside how many records were committed.

alter table run add column bytes bigint;

comment on column run.bytes is 'Of the lines of the records that were passed on to the destination; null where an older engine wrote the row';
