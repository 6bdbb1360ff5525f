import {
  type ControlPayload,
  type LogPayload,
  type ResolvedConfig,
  secretValues,
  toCodedError,
} from '@penstock/protocol';
import { CoalescedSaves } from '../store/coalesce-saves.ts';
import type { SecretsFile } from '../store/secrets-file.ts';
import { applyResolved, keepResolved } from './keep-resolved.ts';
import type { PreparedSide } from './prepare.ts';
import type { Side } from './resolve-connector.ts';

/** What {@link ResolvedSides} work with. */
export interface ResolvedSidesOptions {
  /** As the user gave their configs. A command may be about one of them only. */
  readonly sides: Partial<Readonly<Record<Side, PreparedSide>>>;
  readonly secretsFile: SecretsFile;
  /** Told, with all of it, when what is to be kept has changed. */
  readonly onKept: (resolved: ResolvedConfig) => void;
  /** About one of the connectors, for the user. */
  readonly onLog: (log: LogPayload) => void;
}

/**
 * The sides of a pipeline with what their connectors find out about their configs: what the state has of it is used, and
 * what they say in `control` messages is kept. One call at a time is at work for a side, and only the newest message counts.
 */
export class ResolvedSides {
  readonly #options: ResolvedSidesOptions;
  readonly #used = new Map<Side, PreparedSide>();
  readonly #saves = new Map<Side, CoalescedSaves<Record<string, unknown> | undefined>>();
  /** Secrets in the newest `control` of a side. */
  readonly #told = new Map<Side, readonly string[]>();
  readonly #warned = new Set<string>();
  #resolved: ResolvedConfig = {};
  #secrets: readonly string[] | undefined;
  /** The file has both sides in it, so one is written after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: ResolvedSidesOptions) {
    this.#options = options;
    for (const side of Object.values(options.sides)) {
      this.#used.set(side.side, side);
      this.#saves.set(side.side, new CoalescedSaves((whole) => this.#keep(side, whole)));
    }
  }

  /** Takes what the state has. To be called once, before any other. */
  async use(resolved: ResolvedConfig | undefined): Promise<void> {
    this.#resolved = resolved ?? {};
    for (const [name, given] of this.#used) {
      const { side, log } = await applyResolved(given, this.#resolved[name], this.#options.secretsFile);
      this.#used.set(name, side);
      this.#secrets = undefined;
      if (log !== undefined) this.#say(log);
    }
  }

  /** The side as its connector is to be started. */
  get(side: Side): PreparedSide {
    const found = this.#used.get(side);
    if (found === undefined) throw new Error(`this command is not about the ${side}`);
    return found;
  }

  /** Values that must not be shown, of both sides: as given, as kept, and as connectors have told since. */
  get secrets(): readonly string[] {
    this.#secrets ??= [
      ...[...this.#used.values()].flatMap(({ secrets }) => secrets),
      ...[...this.#told.values()].flat(),
    ];
    return this.#secrets;
  }

  /** A connector has said its whole config. What it says about the other side is not its business and is left out. */
  take(side: Side, control: ControlPayload): void {
    const whole =
      control.control_type === 'source_config'
        ? { source: control.source_config }
        : { destination: control.destination_config };
    const config = (whole as Partial<Record<Side, Record<string, unknown>>>)[side];
    if (config === undefined) {
      const message = `${this.get(side).connector.name} sent the config of the other side, which is left out.`;
      this.#say({ level: 'warn', message });
      return;
    }
    this.#told.set(side, secretValues(config, this.get(side).spec.config));
    this.#secrets = undefined;
    this.#save(side, config);
  }

  /** What the connector of a side found out is not kept any more. */
  forget(side: Side): void {
    this.#save(side, undefined);
  }

  /** Resolves when all that was taken is kept, or was said to be lost. */
  async whenIdle(): Promise<void> {
    for (const saves of this.#saves.values()) await saves.whenIdle();
  }

  #save(side: Side, whole: Record<string, unknown> | undefined): void {
    this.#saves
      .get(side)!
      .save(whole)
      .catch((thrown: unknown) => this.#say({ level: 'error', message: toCodedError(thrown).message }));
  }

  #keep(given: PreparedSide, whole: Record<string, unknown> | undefined): Promise<void> {
    const { side } = given;
    const kept = this.#turn.then(async () => {
      const before = this.#resolved[side];
      const { part, log } = await keepResolved(given, whole, before, this.#options.secretsFile);
      if (log !== undefined) this.#say(log);
      if (JSON.stringify(part) === JSON.stringify(before)) return;
      const { [side]: _before, ...others } = this.#resolved;
      this.#resolved = part === undefined ? others : { ...others, [side]: part };
      this.#options.onKept(this.#resolved);
    });
    this.#turn = kept.catch(() => undefined);
    return kept;
  }

  /** Each only once: a source that stays may send its config again and again. */
  #say(log: LogPayload): void {
    if (this.#warned.has(log.message)) return;
    this.#warned.add(log.message);
    this.#options.onLog(log);
  }
}
