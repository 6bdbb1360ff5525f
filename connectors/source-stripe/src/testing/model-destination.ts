import type { SourceOutput } from '@penstock/connector-sdk';
import type { SourceStateSet } from '@penstock/protocol';

interface Row {
  readonly asOf: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * What a destination makes of what a source says: a row a key, replaced by what is as new or newer; what is deleted stays as
 * a tombstone. And the state that whoever reads the checkpoints would save.
 */
export class ModelDestination {
  readonly #rows = new Map<string, Map<string, Row>>();
  /** Ids that were emitted, by stream. */
  readonly emitted = new Map<string, Set<string>>();
  state: SourceStateSet = { streams: {}, global: {} };
  readonly statuses: { readonly stream: string; readonly status: string }[] = [];
  /** The most ranges that any stream's state held. */
  rangesMax = 0;

  add(output: SourceOutput): void {
    if (output.type === 'record_batch') for (const data of output.data) this.#put(output.stream, data.toString());
    else if (output.type === 'stream_status') this.statuses.push(output.stream_status);
    else if (output.type === 'source_state') {
      // Through text, as it would be saved: a later change of the same object would show.
      const { source_state } = JSON.parse(JSON.stringify(output)) as typeof output;
      if (source_state.state_type === 'global') this.state = { ...this.state, global: source_state.data };
      else {
        const { stream, data } = source_state;
        this.rangesMax = Math.max(this.rangesMax, (data as { remaining: unknown[] }).remaining.length);
        this.state = { ...this.state, streams: { ...this.state.streams, [stream]: data } };
      }
    }
  }

  #put(stream: string, text: string): void {
    const { _as_of: asOf, _account_id, ...data } = JSON.parse(text) as Record<string, unknown> & { _as_of: number };
    const rows = this.#rows.get(stream) ?? new Map<string, Row>();
    const ids = this.emitted.get(stream) ?? new Set<string>();
    this.#rows.set(stream, rows);
    this.emitted.set(stream, ids.add(data.id as string));
    const known = rows.get(data.id as string);
    if (known === undefined || asOf >= known.asOf) rows.set(data.id as string, { asOf, data });
  }

  /** What is not deleted, by id. */
  live(stream: string): Map<string, Readonly<Record<string, unknown>>> {
    const rows = [...(this.#rows.get(stream) ?? [])].filter(([, { data }]) => data.deleted !== true);
    return new Map(rows.map(([id, { data }]) => [id, data]));
  }
}
