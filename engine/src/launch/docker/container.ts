import { constants } from 'node:os';
import { finished } from 'node:stream/promises';
import { CodedError, scrubText } from '@penstock/protocol';
import type Docker from 'dockerode';
import type { ConnectorEnd } from '../connector-end.ts';
import { KillTimer } from '../kill-timer.ts';
import type { RunningConnector } from '../launcher.ts';
import { StderrLines } from '../stderr-lines.ts';
import { TextTail } from '../text-tail.ts';
import { AttachedInput } from './attached-input.ts';
import { AttachedOutput } from './attached-output.ts';
import { attach, within } from './client.ts';
import { FILES_FOLDER, filesOf } from './config-archive.ts';
import { type ContainerPlan, containerName, containerOptions, memoryBytes } from './container-options.ts';
import { dockerAddress, dockerError, reasonOf, statusOf } from './docker-error.ts';
import type { FileOwner } from './user.ts';
import { type ContainerNews, listenForNews, watchRemoval } from './watch.ts';

/** An exit code above this is a signal, as in a shell; Docker has no other way to say so. */
const SIGNAL_EXIT_BASE = 128;

/**
 * The first process of a container doesn't hear a SIGTERM that it doesn't listen to, and a program that begins doesn't
 * listen yet. So it is told again, until it has said something or is as old as this; both in milliseconds.
 */
const BEGINNING_MS = 5_000;
const TELL_AGAIN_MS = 1_000;

/** How long the Engine may take to kill a container and to remove it, in milliseconds. Then it is left to itself. */
const KILL_TIMEOUT_MS = 30_000;
const REMOVE_TIMEOUT_MS = 10_000;

/** All that is on stderr when the kernel can't run the program: Docker says it in the connector's place. */
const NOT_FOR_THIS_MACHINE = /^(?:standard_init_linux\.go:\d+: )?exec .*exec format error\s*$/;

/** Ends a start that is not wanted any more. */
class StoppedSignal extends Error {}

/** A connector in a container of its own, from its making to its removal. */
export class RunningContainer implements RunningConnector {
  readonly name: string;
  readonly stdin = new AttachedInput();
  readonly stdout = new AttachedOutput();
  readonly ended: Promise<ConnectorEnd>;
  readonly #docker: Docker;
  readonly #plan: ContainerPlan;
  readonly #container: Docker.Container;
  readonly #stderr = new AttachedOutput();
  readonly #stderrTail = new TextTail();
  readonly #stderrLines: StderrLines | undefined;
  #startedAtMs: number | undefined;
  #isOver = false;
  /** What it is to end by, while it has not been started. */
  #stoppedBy: NodeJS.Signals | undefined;
  #news: ContainerNews | undefined;
  /** Rejects when the Engine doesn't do what it was told. */
  readonly #abandoned: Promise<never>;
  #abandon!: (error: Error) => void;
  #abandonTimer: NodeJS.Timeout | undefined;
  #tellAgainTimer: NodeJS.Timeout | undefined;
  readonly #killTimer = new KillTimer(() => this.kill());

  /** Begins at once; what goes wrong is told by `ended`. */
  constructor(docker: Docker, plan: ContainerPlan, owner: FileOwner) {
    this.name = plan.name;
    this.#docker = docker;
    this.#plan = plan;
    // By name: it is known before the Engine has answered, and there must be a way to remove what it made too late.
    this.#container = docker.getContainer(containerName(plan.name, plan.request.command));
    const { secrets = [], onStderr } = plan.request;
    this.#stderrLines = onStderr && new StderrLines(secrets, onStderr);
    this.#stderr.on('data', (chunk: Buffer) => {
      this.#stderrTail.push(chunk);
      this.#stderrLines?.push(chunk);
    });
    this.#abandoned = new Promise((_resolve, reject) => {
      this.#abandon = reject;
    });
    this.#abandoned.catch(() => undefined);
    this.ended = this.#run(owner);
  }

  stderrTail(): string {
    return scrubText(this.#stderrTail.toString(), this.#plan.request.secrets ?? []);
  }

  stop(graceMs: number): void {
    if (this.#isOver) return;
    if (this.#stoppedBy === undefined) this.#signal('SIGTERM');
    this.#killTimer.limit(graceMs);
  }

  kill(): void {
    if (this.#isOver) return;
    this.#signal('SIGKILL');
    this.#abandonTimer ??= setTimeout(() => {
      this.#abandon(new Error(`Docker has not ended it within ${KILL_TIMEOUT_MS / 1000} s`));
    }, KILL_TIMEOUT_MS);
  }

  #signal(signal: NodeJS.Signals): void {
    this.#stoppedBy = signal;
    // Before that, whoever starts it looks.
    if (this.#startedAtMs === undefined) return;
    if (signal === 'SIGTERM') this.#tellAgain(this.#startedAtMs);
    this.#container.kill({ signal, ...within() }).catch((error: unknown) => {
      // It has ended by itself, or the way to the Engine is broken, which is seen elsewhere.
      const status = statusOf(error);
      if (signal === 'SIGKILL' && status !== 404 && status !== undefined) void this.#remove();
    });
  }

  #tellAgain(startedAtMs: number): void {
    this.#tellAgainTimer = setTimeout(() => {
      const isListening = this.stdout.hasBegun || this.#stderr.hasBegun || Date.now() - startedAtMs > BEGINNING_MS;
      if (!isListening && this.#stoppedBy === 'SIGTERM') this.#signal('SIGTERM');
    }, TELL_AGAIN_MS);
  }

  async #run(owner: FileOwner): Promise<ConnectorEnd> {
    try {
      const { removed, news } = await this.#start(owner);
      const code = await Promise.race([removed, this.#abandoned]);
      // The streams end when everything in them has been read.
      const ends = await Promise.all([this.stdout.whenClosed, this.#stderr.whenClosed]);
      const broken = ends.find((end) => end !== 'ended');
      if (broken !== undefined) throw broken;
      return await this.#endOf(code, news);
    } catch (thrown) {
      // The connections end without a word when the Engine does; they must not be waited for.
      this.stdout.finish('ended');
      this.#stderr.finish('ended');
      await this.#remove();
      if (thrown instanceof StoppedSignal) return { kind: 'killed', signal: this.#stoppedBy! };
      const address = dockerAddress(this.#docker);
      return this.#startedAtMs !== undefined
        ? { kind: 'lost', cause: new Error(`Docker at ${address}: ${reasonOf(thrown)}`, { cause: thrown }) }
        : { kind: 'never_started', cause: dockerError(this.name, address, thrown) };
    } finally {
      this.#stderrLines?.end();
      this.#isOver = true;
      this.#killTimer.clear();
      clearTimeout(this.#tellAgainTimer);
      clearTimeout(this.#abandonTimer);
      this.#news?.stop();
      this.stdin.destroy();
      await finished(this.stdout).catch(() => undefined);
    }
  }

  /** @throws StoppedSignal when somebody stopped it meanwhile; and what the Engine's refusals throw */
  async #start(owner: FileOwner): Promise<{ readonly removed: Promise<number>; readonly news: ContainerNews }> {
    const files = await filesOf(this.#plan.request, owner);
    this.#goOn();
    const { id } = this.#container;
    await this.#docker.createContainer({ name: id, ...containerOptions(this.#plan), ...within() });
    this.#goOn();
    if (files !== undefined) await this.#container.putArchive(files, { path: FILES_FOLDER, ...within() });
    const [news, { removed }] = await Promise.all([
      listenForNews(this.#docker, id).then((heard) => this.#take(heard)),
      watchRemoval(this.#docker, id),
      // A connection each: one that nobody reads must not hold the others up.
      attach(this.#docker, id, 'stdin').then((connection) => this.stdin.connect(connection)),
      attach(this.#docker, id, 'stdout').then((connection) => this.stdout.connect(connection)),
      attach(this.#docker, id, 'stderr').then((connection) => this.#stderr.connect(connection)),
    ]);
    this.#goOn();
    await this.#container.start(within());
    this.#startedAtMs = Date.now();
    if (this.#stoppedBy !== undefined) this.#signal(this.#stoppedBy);
    // Without its output it works for nobody.
    for (const stream of [this.stdout, this.#stderr]) {
      void stream.whenClosed.then((end) => end !== 'ended' && this.kill());
    }
    return { removed, news };
  }

  /** Keeps them until the end, which may have come already when another part of the start has failed. */
  #take(news: ContainerNews): ContainerNews {
    this.#news = news;
    if (this.#isOver) news.stop();
    return news;
  }

  #goOn(): void {
    if (this.#stoppedBy !== undefined) throw new StoppedSignal();
  }

  async #endOf(code: number, news: ContainerNews): Promise<ConnectorEnd> {
    const { memory } = this.#plan.settings;
    if (code !== 0 && NOT_FOR_THIS_MACHINE.test(this.#stderrTail.toString())) {
      const { image, platform } = this.#plan;
      const message = `${this.name}: the program of the image ${image} (${platform}) can't be run by this machine: exec format error.`;
      const remedy = 'Build or pull the image for the platform of this machine.';
      return { kind: 'never_started', cause: new CodedError('connector_not_found', { message, remedy }) };
    }
    const wasKilled = code === SIGNAL_EXIT_BASE + constants.signals.SIGKILL;
    if (wasKilled && this.#stoppedBy === undefined && (await news.ranOutOfMemory())) {
      return { kind: 'out_of_memory', ...(memory !== undefined && { limitBytes: memoryBytes(memory) }) };
    }
    const signal = Object.entries(constants.signals).find(([, number]) => SIGNAL_EXIT_BASE + number === code)?.[0];
    return signal === undefined ? { kind: 'exited', code } : { kind: 'killed', signal: signal as NodeJS.Signals };
  }

  /** Removes whatever of it there may be, with its volume. Never rejects. */
  async #remove(): Promise<void> {
    await this.#container.remove({ force: true, v: true, ...within(REMOVE_TIMEOUT_MS) }).catch(() => undefined);
  }
}
