// What is wrong, at its place, and what mends it.
import { type Action, type Diagnostic, setDiagnostics } from "@codemirror/lint";
import type { EditorState } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import { type Problem, type Schema, schemaAt } from "./given";
import { find, partsOf, placeOf, rootOf } from "./places";

/** Marks every problem where it stands. */
export function showProblems(view: EditorView, problems: Problem[], schema: Schema) {
  const { state } = view;
  const isKnown = (path: string[]) => schemaAt(schema, path) !== undefined;
  const diagnostics = problems.map((problem): Diagnostic => {
    const place = placeOf(state, problem.pointer, isKnown);
    return {
      ...place,
      severity: "error",
      message: problem.message,
      actions: [...wrapAction(state, problem), ...renameAction(state, problem)],
    };
  });
  diagnostics.sort((a, b) => a.from - b.from);
  view.dispatch(setDiagnostics(state, diagnostics));
}

// --- braces that are missing ------------------------------------------------------

/** Whether the text is the inside of an object, as the vendor's tutorial prints it. */
export function lacksBraces(text: string): boolean {
  return text.trimStart().startsWith('"');
}

/** Puts the text between braces, one step deeper. */
export function wrap(view: EditorView) {
  const { doc } = view.state;
  const lines = doc.toString().trim().replace(/,$/, "").split("\n");
  const insert = `{\n${lines.map((line) => (line.trim() ? `  ${line}` : line)).join("\n")}\n}`;
  view.dispatch({ changes: { from: 0, to: doc.length, insert }, selection: { anchor: insert.length }, userEvent: "input" });
  view.focus();
}

function wrapAction(state: EditorState, problem: Problem): Action[] {
  const applies = problem.pointer === "" && lacksBraces(state.doc.toString());
  return applies ? [{ name: "Wrap in { }", apply: wrap }] : [];
}

// --- names that are nearly right ----------------------------------------------------

function renameAction(state: EditorState, problem: Problem): Action[] {
  const { meant } = problem;
  const parts = partsOf(problem.pointer);
  if (!meant || find(state, [...parts.slice(0, -1), meant])) return [];
  const insert = JSON.stringify(meant);
  return [
    {
      name: `Rename to ${meant}`,
      // The place is given anew: the text may have changed since.
      apply: (view, from) => {
        const node = find(view.state, parts)?.name;
        if (node && node.from === from) view.dispatch({ changes: { from: node.from, to: node.to, insert } });
      },
    },
  ];
}

// --- writing a field ------------------------------------------------------------------

/** Puts a value into the field of that pointer, which is added to the object if it is not there. */
export function put(view: EditorView, pointer: string, value: unknown) {
  const parts = partsOf(pointer);
  const name = parts.at(-1);
  const insert = JSON.stringify(value);
  const { state } = view;
  const found = find(state, parts);
  if (found?.value) {
    const { from, to } = found.value;
    view.dispatch({ changes: { from, to, insert }, selection: { anchor: from + insert.length }, scrollIntoView: true });
  } else if (name !== undefined) {
    const object = find(state, parts.slice(0, -1))?.value ?? rootOf(state);
    if (object?.name === "Object") append(view, object.from, object.to, `${JSON.stringify(name)}: ${insert}`);
  }
  view.focus();
}

/** Adds a member at the end of the object that reaches from `from` to `to`. */
function append(view: EditorView, from: number, to: number, member: string) {
  const { state } = view;
  const inside = state.sliceDoc(from + 1, to - 1).trimEnd();
  const at = from + 1 + inside.length;
  const isEmpty = inside.trim() === "";
  const comma = isEmpty || inside.endsWith(",") ? "" : ",";
  const indent = `${state.doc.lineAt(from).text.match(/^\s*/)?.[0] ?? ""}  `;
  const insert = `${comma}\n${indent}${member}`;
  const rest = state.sliceDoc(at, to - 1).includes("\n") ? "" : `\n${indent.slice(2)}`;
  view.dispatch({
    changes: { from: at, insert: insert + rest },
    selection: { anchor: at + insert.length },
    scrollIntoView: true,
  });
}
