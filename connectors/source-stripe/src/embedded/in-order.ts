/** What comes of one object. */
export interface Part {
  /** Records that are at hand. */
  readonly ready: readonly Buffer[];
  /** Those after them, a page at a time; undefined where nothing has to be requested. */
  readonly rest: ((signal: AbortSignal) => AsyncGenerator<readonly Buffer[], void, undefined>) | undefined;
}

/** A part whose rest is begun. */
interface BegunPart {
  readonly ready: readonly Buffer[];
  readonly rest: AsyncGenerator<readonly Buffer[], void, undefined> | undefined;
  readonly first: Promise<IteratorResult<readonly Buffer[], void>> | undefined;
}

function begin({ ready, rest }: Part, signal: AbortSignal): BegunPart {
  const pages = rest?.(signal);
  const first = pages?.next();
  // Whoever comes to it later sees the error; until then it must not count as unhandled.
  first?.catch(() => undefined);
  return { ready, rest: pages, first };
}

/**
 * The records of many objects, in the order of the objects. The first requests of several run at once and those that are
 * done wait for their turn; the later pages of one are read only when it is its turn, so that no more is held than one
 * page for each of them.
 *
 * @param concurrency objects at once for which requests are made, at least 1; the others cost nothing and don't count
 * @param signal handed on; what is still under way is also aborted when the reader leaves early
 * @throws what a part throws, after everything that comes before it
 */
export async function* inOrder<T>(
  objects: readonly T[],
  partOf: (object: T) => Part,
  concurrency: number,
  signal: AbortSignal,
): AsyncGenerator<readonly Buffer[], void, undefined> {
  const abort = new AbortController();
  const stop = (): void => abort.abort(signal.reason);
  // Taken off again at the end: the run's signal outlives thousands of pages.
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const begun: BegunPart[] = [];
  let beginAt = 0;
  let underWay = 0;
  let ready: Buffer[] = [];
  try {
    for (;;) {
      while (underWay < concurrency && beginAt < objects.length) {
        const part = begin(partOf(objects[beginAt++] as T), abort.signal);
        if (part.rest !== undefined) underWay++;
        begun.push(part);
      }
      const part = begun.shift();
      if (part === undefined) break;
      ready.push(...part.ready);
      if (part.rest === undefined) continue;
      if (ready.length > 0) yield ready;
      ready = [];
      for (let page = await part.first; page !== undefined && !page.done; page = await part.rest.next()) {
        yield page.value;
      }
      underWay--;
    }
    if (ready.length > 0) yield ready;
  } finally {
    signal.removeEventListener('abort', stop);
    // Its error takes longer to make than most pages to pass through here.
    if (underWay > 0) abort.abort();
  }
}
