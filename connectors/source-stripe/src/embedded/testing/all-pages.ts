/** Everything that is yielded, page by page. */
export async function allPages(pages: AsyncIterable<readonly Buffer[]>): Promise<(readonly Buffer[])[]> {
  const all: (readonly Buffer[])[] = [];
  for await (const page of pages) all.push(page);
  return all;
}
