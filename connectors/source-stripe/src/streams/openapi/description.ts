/** A schema of an OpenAPI description, of which only the fields named here are used. */
export interface OpenApiSchema {
  readonly $ref?: string;
  /** Several in OpenAPI 3.1, `null` among them. */
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly nullable?: boolean;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly maximum?: number;
  readonly items?: OpenApiSchema;
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly OpenApiSchema[];
  readonly oneOf?: readonly OpenApiSchema[];
  readonly allOf?: readonly OpenApiSchema[];
}

/** A parameter of a request. */
export interface OpenApiParameter {
  readonly $ref?: string;
  readonly name?: string;
  readonly in?: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: OpenApiSchema;
}

/** What is known of one path. */
export interface OpenApiPath {
  readonly parameters?: readonly OpenApiParameter[];
  readonly get?: {
    readonly parameters?: readonly OpenApiParameter[];
    readonly responses?: Readonly<
      Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: OpenApiSchema }>> }>
    >;
  };
}

/** An OpenAPI description. */
export interface OpenApiDescription {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, OpenApiPath>>;
  readonly components?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a value has the outline of an OpenAPI 3 description; what is inside is not looked at. */
export function isDescription(value: unknown): value is OpenApiDescription {
  return (
    isObject(value) &&
    typeof value.openapi === 'string' &&
    value.openapi.startsWith('3.') &&
    isObject(value.info) &&
    typeof value.info.version === 'string' &&
    value.info.version !== '' &&
    isObject(value.paths) &&
    (value.components === undefined || isObject(value.components))
  );
}

/** References lead to schemas, hardly ever to another reference. */
const REFERENCES_MAX = 16;

/**
 * What a reference stands for; the value itself where it is none.
 *
 * @throws Error when it leads nowhere
 */
export function resolve<Value extends { readonly $ref?: string }>(
  description: OpenApiDescription,
  value: Value,
): Value {
  let found = value;
  for (let i = 0; found.$ref !== undefined; i++) {
    const [, kind = '', name = ''] = /^#\/components\/([^/]+)\/([^/]+)$/.exec(found.$ref) ?? [];
    const next = description.components?.[kind]?.[decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~')];
    if (!isObject(next) || i === REFERENCES_MAX) throw new Error(`the reference ${value.$ref} leads nowhere`);
    found = next as Value;
  }
  return found;
}
