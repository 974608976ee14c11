// Completion: names of fields with what they are by default, and values that the schema names.
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
import { choicesOf, hasType, type Schema, schemaAt, typeOf } from "./given";
import { membersOf, pathAt, type Place, textOf } from "./places";

/** A source of completions; the schema is asked for each time. */
export function completions(schemaNow: () => Schema) {
  return (context: CompletionContext): CompletionResult | null => {
    const schema = schemaNow();
    const node = syntaxTree(context.state).resolveInner(context.pos, -1);
    if (node.name === "PropertyName" && context.pos > node.from) return names(context, schema, node);
    if (node.name === "String" && context.pos > node.from) {
      const path = pathAt(context.state, context.pos);
      const field = schemaAt(schema, path);
      return field ? values(field, node) : null;
    }
    return outside(context, schema);
  };
}

/** Between the strings: a name after `{` or `,`, a value after `:`. */
function outside(context: CompletionContext, schema: Schema): CompletionResult | null {
  const word = context.matchBefore(/[\w-]*/) ?? { from: context.pos, to: context.pos };
  if (word.from === word.to && !context.explicit) return null;
  const before = context.state.sliceDoc(0, word.from).trimEnd().at(-1);
  const place = { from: word.from, to: context.pos };
  if (before === "{" || before === ",") return names(context, schema, place);
  if (before !== ":") return null;
  const field = schemaAt(schema, pathAt(context.state, word.from));
  return field ? values(field, place) : null;
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

function values(field: Schema, place: Place): CompletionResult | null {
  if (field["x-reference"]) return null;
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
