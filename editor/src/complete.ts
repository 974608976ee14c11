// Completion: names of fields with what they are by default, values that the schema names, and references.
import {
  type Completion,
  type CompletionContext,
  type CompletionResult,
  startCompletion,
} from "@codemirror/autocomplete";
import { syntaxTree } from "@codemirror/language";
import type { EditorState } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import type { SyntaxNode } from "@lezer/common";
import { choicesOf, hasType, type Known, type Schema, schemaAt, typeOf } from "./given";
import { membersOf, pathAt, type Place, textOf } from "./places";

/** What the page knows at this moment. */
export interface Knowledge {
  schema: Schema;
  known: Known;
}

/** A source of completions; `knowledge` is asked each time. */
export function completions(knowledge: () => Knowledge) {
  return (context: CompletionContext): CompletionResult | null => {
    const { schema, known } = knowledge();
    const node = syntaxTree(context.state).resolveInner(context.pos, -1);
    if (node.name === "PropertyName" && context.pos > node.from) return names(context, schema, node);
    if (node.name === "String" && context.pos > node.from) {
      const path = pathAt(context.state, context.pos);
      const field = schemaAt(schema, path);
      return field ? values(context, field, known, node) : null;
    }
    return outside(context, schema, known);
  };
}

/** Between the strings: a name after `{` or `,`, a value after `:`. */
function outside(context: CompletionContext, schema: Schema, known: Known): CompletionResult | null {
  const word = context.matchBefore(/[\w-]*/) ?? { from: context.pos, to: context.pos };
  if (word.from === word.to && !context.explicit) return null;
  const before = context.state.sliceDoc(0, word.from).trimEnd().at(-1);
  const place = { from: word.from, to: context.pos };
  if (before === "{" || before === ",") return names(context, schema, place);
  if (before !== ":") return null;
  const field = schemaAt(schema, pathAt(context.state, word.from));
  return field ? values(context, field, known, place) : null;
}

// --- names ---------------------------------------------------------------------

function names(context: CompletionContext, schema: Schema, place: Place): CompletionResult | null {
  const { state } = context;
  const object = objectAround(state, place.from);
  if (!object) return null;
  const fields = schemaAt(schema, pathAt(state, object.from + 1).slice(0, depthOf(object)));
  const members = membersOf(object);
  const taken = new Set(members.filter(({ name }) => name.from !== place.from).map(({ name }) => textOf(state, name)));
  const quoted = state.sliceDoc(place.from, place.from + 1) === '"';
  const required = new Set(fields?.required);
  const order = fields?.["x-order"] ?? [];
  const options = Object.entries(fields?.properties ?? {})
    .filter(([name]) => !taken.has(name))
    .map(([name, field]): Completion => ({
      label: quoted ? `"${name}"` : name,
      displayLabel: name,
      detail: required.has(name) ? `${typeOf(field)}, needed` : typeOf(field),
      info: field.description,
      type: field["x-reference"] ? "reference" : "property",
      boost: order.includes(name) ? -order.indexOf(name) : -99,
      apply: (view) => insertField(view, place.from, name, field),
    }));
  return { from: place.from, options, validFor: /^"?[\w-]*$/ };
}

function objectAround(state: EditorState, position: number): SyntaxNode | undefined {
  let node: SyntaxNode | null = syntaxTree(state).resolveInner(position, -1);
  while (node && (node.name !== "Object" || node.from >= position)) node = node.parent;
  return node ?? undefined;
}

/** How many names and numbers lead to an object. */
function depthOf(object: SyntaxNode): number {
  let depth = 0;
  for (let node = object.parent; node; node = node.parent) if (node.name === "Property" || node.name === "Array") depth++;
  return depth;
}

/** Writes `"name": value` and selects the value. A name that has a value already is only replaced. */
function insertField(view: EditorView, from: number, name: string, field: Schema) {
  const { state } = view;
  const node = syntaxTree(state).resolveInner(state.selection.main.head, -1);
  const to = node.name === "PropertyName" ? node.to : state.selection.main.head;
  const after = state.sliceDoc(to).trimStart();
  const key = JSON.stringify(name);
  if (after.startsWith(":")) {
    view.dispatch({ changes: { from, to, insert: key }, selection: { anchor: from + key.length } });
    return;
  }
  const value = JSON.stringify(firstValue(field));
  const comma = after.startsWith('"') ? "," : "";
  const start = from + key.length + 2;
  const inside = /^["[{]/.test(value) ? 1 : 0;
  view.dispatch({
    changes: { from, to, insert: `${key}: ${value}${comma}` },
    selection: { anchor: start + inside, head: start + value.length - inside },
    userEvent: "input.complete",
    scrollIntoView: true,
  });
  if (field["x-reference"] || choicesOf(field).length > 1) startCompletion(view);
}

/** What a field is when nothing is said, or the plainest thing that it can be. */
export function firstValue(field: Schema): unknown {
  if (field.default !== undefined && field.default !== null) return field.default;
  if (field.examples?.length) return field.examples[0];
  const [plainest] = field.anyOf ?? field.oneOf ?? [];
  if (plainest) return firstValue(plainest);
  const choices = choicesOf(field);
  if (choices.length > 0) return choices[0];
  if (hasType(field, "integer") || hasType(field, "number")) return field.minimum ?? 0;
  if (hasType(field, "array")) return [];
  if (hasType(field, "object")) return {};
  return "";
}

// --- values --------------------------------------------------------------------

function values(context: CompletionContext, field: Schema, known: Known, place: Place): CompletionResult | null {
  const { state, pos } = context;
  const isString = state.sliceDoc(place.from, place.from + 1) === '"';
  if (field["x-reference"]) return isString ? referenceParts(state, pos, known, place.from + 1) : null;
  const options = choicesOf(field).map((choice, rank): Completion => {
    const text = JSON.stringify(choice);
    return {
      label: text,
      displayLabel: String(choice),
      detail: choice === field.default ? "default" : undefined,
      type: "enum",
      boost: -rank, // the schema's order, plain before special
      apply: (view) => {
        const node = syntaxTree(view.state).resolveInner(view.state.selection.main.head, -1);
        const to = node.name === "String" && node.from === place.from ? node.to : view.state.selection.main.head;
        view.dispatch({
          changes: { from: place.from, to, insert: text },
          selection: { anchor: place.from + text.length },
          userEvent: "input.complete",
        });
      },
    };
  });
  // A string typed where `true` is meant completes to nothing.
  return options.length > 0 ? { from: place.from, options, validFor: /^"?[\w-]*$/ } : null;
}

/** A reference, one part after the other: the providers first, then what is in use below the one chosen. */
function referenceParts(state: EditorState, pos: number, known: Known, from: number): CompletionResult | null {
  const typed = state.sliceDoc(from, pos);
  const options = referenceOptions(typed, known).map(
    ({ text, detail, isWhole }): Completion => ({
      label: text,
      detail,
      type: "reference",
      apply: (view) => {
        const node = syntaxTree(view.state).resolveInner(view.state.selection.main.head, -1);
        const closed = view.state.sliceDoc(node.to - 1, node.to) === '"' && node.to - 1 > node.from;
        const to = node.name === "String" ? node.to - (closed ? 1 : 0) : view.state.selection.main.head;
        view.dispatch({
          changes: { from, to: Math.max(from, to), insert: text },
          selection: { anchor: from + text.length },
          userEvent: "input.complete",
        });
        if (!isWhole) startCompletion(view);
      },
    }),
  );
  return options.length > 0 ? { from, options, filter: false } : null;
}

interface ReferenceOption {
  text: string;
  detail?: string;
  isWhole: boolean;
}

/** What may follow `typed`. */
export function referenceOptions(typed: string, known: Known): ReferenceOption[] {
  const begun = (text: string) => text.startsWith(typed) && text !== typed;
  const providers = known.providers
    .filter(({ reference }) => begun(reference))
    .map(({ reference, detail }) => ({ text: reference, detail, isWhole: false }));
  const inUse = known.references.filter(begun);
  // Of many below one path the path is offered, and what is below it next.
  const paths = new Map<string, string[]>();
  for (const reference of inUse) {
    const slash = reference.indexOf("/", Math.max(typed.length, reference.indexOf("://") + 3));
    const path = slash < 0 ? reference : reference.slice(0, slash + 1);
    paths.set(path, [...(paths.get(path) ?? []), reference]);
  }
  const below = [...paths].map(([path, references]) => {
    const [first] = references;
    const isWhole = references.length === 1;
    return isWhole ? { text: first, detail: "in use", isWhole } : { text: path, detail: `${references.length} in use`, isWhole };
  });
  const offered = new Set(providers.map(({ text }) => text));
  return [...providers, ...below.filter(({ text }) => !offered.has(text) && !/:\/\/[^/]*\/$/.test(text))];
}
