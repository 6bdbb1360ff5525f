import { aliasOf, partOf } from '../endpoint-rules.ts';
import { type Endpoint, endpoints } from '../endpoint-table.ts';

/** What a path of the API stands for. */
export type Route =
  | { kind: 'account' }
  /** `own` is the endpoint that has the objects, where `endpoint` is only another way to them. */
  | { kind: 'list'; endpoint: Endpoint; own: Endpoint; parentId: string | undefined }
  | { kind: 'retrieve'; listPath: string; parentId: string | undefined; id: string }
  | { kind: 'unknown' };

/** Finds the endpoint for a path. Fixed names go before ids. */
export function route(path: string, unlisted: Readonly<Record<string, string>>): Route {
  if (path === '/v1/account') return { kind: 'account' };
  const found = findList(path);
  if (found) return found;
  const slash = path.lastIndexOf('/');
  const id = decode(path.slice(slash + 1));
  const listPath = path.slice(0, slash);
  if (id === '') return { kind: 'unknown' };
  if (listPath in unlisted) return { kind: 'retrieve', listPath, parentId: undefined, id };
  const list = findList(listPath);
  if (list?.kind === 'list') return { kind: 'retrieve', listPath: list.own.path, parentId: list.parentId, id };
  return { kind: 'unknown' };
}

function findList(path: string): Route | undefined {
  const exact = endpoints.get(path);
  if (exact) return { kind: 'list', endpoint: exact, own: ownOf(exact), parentId: undefined };
  const segments = path.split('/');
  for (let i = segments.length - 2; i >= 3; i--) {
    const id = segments[i] as string;
    const endpoint = endpoints.get([...segments.slice(0, i), '{parent}', ...segments.slice(i + 1)].join('/'));
    if (endpoint && id !== '') return { kind: 'list', endpoint, own: ownOf(endpoint), parentId: decode(id) };
  }
  return undefined;
}

function ownOf(endpoint: Endpoint): Endpoint {
  const path = aliasOf[endpoint.path] ?? partOf[endpoint.path]?.path;
  return path === undefined ? endpoint : (endpoints.get(path) as Endpoint);
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
