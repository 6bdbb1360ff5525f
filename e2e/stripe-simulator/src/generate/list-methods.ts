import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { declarationsOf, type Located } from './declarations.ts';
import { view } from './type-view.ts';

/** A query parameter: whether a request without it is refused, and the only values it may have. */
export type Parameter = { required?: true; values?: string[] };

/** A list method of Stripe's Node client. */
export type ListMethod = {
  /** With its path parameters as `{parent}`, `{parent2}`. */
  path: string;
  /** The type of the objects that the list has. */
  item: Located;
  params: Record<string, Parameter>;
};

const methodPattern = /\n {4}(\w+)\([^)]*\) \{\n([\s\S]*?)\n {4}\}\n/g;
const requestPattern = /_makeRequest\(\s*'GET',\s*(['`])(.*?)\1/;

/** Every method of the package that lists, by the `methodType` that its code hands on. */
export function listMethods(packageFolder: string): ListMethod[] {
  const folder = join(packageFolder, 'cjs/resources');
  const found: ListMethod[] = [];
  for (const name of globSync('**/*.js', { cwd: folder }).sort()) {
    const source = readFileSync(join(folder, name), 'utf8');
    for (const [, method = '', body = ''] of source.matchAll(methodPattern)) {
      if (!body.includes("methodType: 'list'")) continue;
      const path = requestPattern.exec(body)?.[2];
      if (path === undefined) throw new Error(`${name}: ${method} lists, but its path was not found`);
      found.push({ path: plainPath(path), ...typesOf(join(folder, name.replace(/\.js$/, '.d.ts')), method) });
    }
  }
  return found;
}

function plainPath(template: string): string {
  let count = 0;
  return template.replace(/\$\{[^}]*\}/g, () => (count++ === 0 ? '{parent}' : `{parent${count}}`));
}

function typesOf(file: string, method: string): Omit<ListMethod, 'path'> {
  const declared = declarationsOf(file).methods.get(method);
  const item = declared?.returns.typeArguments?.params?.[0];
  if (!declared || !item) throw new Error(`${file}: ${method} has no list type`);
  const params: Record<string, Parameter> = {};
  const type = declared.params.find((p) => p.name === 'params');
  const shape = type ? view({ node: type.type, file, scope: '' }) : undefined;
  for (const member of shape?.kind === 'object' ? shape.members : []) {
    const value = view({
      node: member.type,
      file: shape?.kind === 'object' ? shape.file : file,
      scope: shape?.kind === 'object' ? shape.scope : '',
    });
    params[member.name] = {
      ...(member.optional ? {} : { required: true }),
      ...(value.kind === 'enum' &&
      value.values.every((v) => typeof v === 'string') &&
      !/OtherString/.test(JSON.stringify(member.type))
        ? { values: value.values as string[] }
        : {}),
    };
  }
  return { item: { node: item, file, scope: '' }, params };
}
