import type { ConfiguredCatalog, SourceStatePayload } from '@penstock/protocol';
import { ConnectorError } from './connector-error.ts';
import type { InputFailure } from './destination.ts';

/** What is known of one stream of the catalog. */
export interface LedgerStream {
  readonly name: string;
  /** Length of the name in UTF-8. */
  readonly nameBytes: number;
  /** Records since its previous stream checkpoint. */
  recordCount: number;
  /** Records were lost: it has failed, and what still comes for it is swallowed. */
  lost: boolean;
}

/** What becomes of a checkpoint: `hold` keeps it back without a word, `fail` in the place of it. */
export type CheckpointVerdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'hold' }
  | { readonly kind: 'fail'; readonly failures: readonly InputFailure[] }
  /** Records were lost, and every stream has ended already: the run as a whole fails. */
  | { readonly kind: 'too_late'; readonly error: ConnectorError };

/** Counts the records that arrived and compares them with what each checkpoint says (P1). */
export class RecordLedger {
  readonly #streams: ReadonlyMap<string, LedgerStream>;
  #recordCount = 0;
  #globalHeld = false;

  constructor(catalog: ConfiguredCatalog) {
    this.#streams = new Map(
      catalog.streams.map(({ stream: { name } }) => [
        name,
        { name, nameBytes: Buffer.byteLength(name), recordCount: 0, lost: false },
      ]),
    );
  }

  /** Undefined when the catalog doesn't have it. */
  stream(name: string): LedgerStream | undefined {
    return this.#streams.get(name);
  }

  /** A record arrived. @param stream undefined when the catalog doesn't have it */
  count(stream: LedgerStream | undefined): void {
    this.#recordCount += 1;
    if (stream !== undefined) stream.recordCount += 1;
  }

  /** No global checkpoint passes from now on: it would cover records that are not kept. */
  holdGlobal(): void {
    this.#globalHeld = true;
  }

  /** @param stream of a stream checkpoint, which has to be in the catalog */
  checkStream(stream: LedgerStream, { record_count: counted }: SourceStatePayload): CheckpointVerdict {
    const arrived = stream.recordCount;
    stream.recordCount = 0;
    if (stream.lost) return { kind: 'hold' };
    if (counted === undefined || counted === arrived) return { kind: 'pass' };
    return { kind: 'fail', failures: this.#lose([stream.name], counted, arrived, '') };
  }

  /** @param open streams that have not ended: nobody can say whose records are missing, so all that still can fail do */
  checkGlobal({ record_count: counted }: SourceStatePayload, open: readonly string[]): CheckpointVerdict {
    const arrived = this.#recordCount;
    this.#recordCount = 0;
    if (this.#globalHeld) return { kind: 'hold' };
    if (counted === undefined || counted === arrived) return { kind: 'pass' };
    if (open.length === 0) return { kind: 'too_late', error: lostRecords('All streams', counted, arrived, '') };
    return { kind: 'fail', failures: this.#lose(open, counted, arrived, 'of all streams ') };
  }

  #lose(names: readonly string[], counted: number, arrived: number, whose: string): InputFailure[] {
    this.#globalHeld = true;
    return names.map((name) => {
      const stream = this.#streams.get(name);
      if (stream !== undefined) stream.lost = true;
      return { kind: 'failure', stream: name, error: lostRecords(`Stream "${name}"`, counted, arrived, whose) };
    });
  }
}

function lostRecords(who: string, counted: number, arrived: number, whose: string): ConnectorError {
  return new ConnectorError('records_lost', {
    message: `${who}: a checkpoint counts ${counted} records ${whose}since the one before, but ${arrived} arrived.`,
  });
}
