// What the page gives the editor, as attributes with JSON. The page decides what is right and what
// is wrong; the editor knows where that stands in the text.

/** The part of JSON Schema that describes a plugin's configuration. */
export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  examples?: unknown[];
  minimum?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: boolean | Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  /** The field takes a reference to a secret. */
  "x-reference"?: boolean;
  /** The order in which the fields are shown. */
  "x-order"?: string[];
}

/** Something wrong: where (a JSON pointer; empty for the text as a whole), and a sentence. */
export interface Problem {
  pointer: string;
  message: string;
  /** The name of the field that was meant, where it is nearly right. */
  meant?: string;
}

/** How a reference fares, by its text. */
export type Marks = Record<string, { tone: string; glyph: string; word: string }>;

/** One way to go on with a reference. */
export interface Offer {
  /** The whole text, with what is typed. */
  text: string;
  detail: string;
  /** It is a reference; else it goes on. */
  isWhole: boolean;
  /** A secret manager named it; else it is in use. */
  isListed: boolean;
}

/** What may follow the part of a reference that was asked about; no offers while nothing is known. */
export interface Answer {
  typed: string;
  offers: Offer[] | null;
  /** Its secret manager has not answered yet. */
  isPending: boolean;
}

/** Reads an attribute; what is missing or no JSON is `otherwise`. */
export function read<T>(json: string | null, otherwise: T): T {
  try {
    return json ? (JSON.parse(json) as T) : otherwise;
  } catch {
    return otherwise;
  }
}

/** The schema of what stands at `path`, as far as there is one. */
export function schemaAt(schema: Schema, path: string[]): Schema | undefined {
  let at: Schema | undefined = schema;
  for (const name of path) at = at && step(at, name);
  return at;
}

function step(schema: Schema, name: string): Schema | undefined {
  const more = schema.additionalProperties;
  const own = schema.properties?.[name] ?? (typeof more === "object" ? more : undefined) ?? schema.items;
  if (own) return own;
  for (const choice of [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) {
    const found = step(choice, name);
    if (found) return found;
  }
  return undefined;
}

/** Every value that the schema names. */
export function choicesOf(schema: Schema): unknown[] {
  if (schema.enum) return schema.enum;
  if (schema.const !== undefined) return [schema.const];
  if (hasType(schema, "boolean")) return [true, false];
  return [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap(choicesOf);
}

export function hasType(schema: Schema, type: string): boolean {
  return Array.isArray(schema.type) ? schema.type.includes(type) : schema.type === type;
}

/** Its type in words, for lists. */
export function typeOf(schema: Schema): string {
  const types = [schema.type ?? (schema.anyOf ?? schema.oneOf ?? []).map(typeOf)].flat();
  return [...new Set(types)].join(" or ");
}
