// From a JSON pointer to the place in the text, and back. Works on text that is not whole yet.
import { syntaxTree } from "@codemirror/language";
import type { EditorState } from "@codemirror/state";
import type { SyntaxNode } from "@lezer/common";

export interface Place {
  from: number;
  to: number;
}

const VALUES = new Set(["Object", "Array", "String", "Number", "True", "False", "Null"]);

/** `/rules/0/key` as its parts. */
export function partsOf(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

export function pointerOf(parts: string[]): string {
  return parts.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** The text of a string node without its quotes and escapes. */
export function textOf(state: EditorState, node: Place): string {
  const raw = state.sliceDoc(node.from, node.to);
  try {
    return String(JSON.parse(raw));
  } catch {
    return raw.replace(/^"/, "").replace(/"$/, "");
  }
}

/** The whole text as a value, if it has begun. */
export function rootOf(state: EditorState): SyntaxNode | undefined {
  return childrenOf(syntaxTree(state).topNode).find((node) => VALUES.has(node.name));
}

export function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) children.push(child);
  return children;
}

/** The members of an object: name and, when it is there, value. */
export function membersOf(object: SyntaxNode): { property: SyntaxNode; name: SyntaxNode; value?: SyntaxNode }[] {
  return childrenOf(object).flatMap((property) => {
    const name = property.name === "Property" ? property.getChild("PropertyName") : null;
    if (!name) return [];
    return [{ property, name, value: childrenOf(property).find((child) => VALUES.has(child.name)) }];
  });
}

export function itemsOf(array: SyntaxNode): SyntaxNode[] {
  return childrenOf(array).filter((child) => VALUES.has(child.name));
}

/** Whether every number is written as JavaScript would write it. */
export function hasPlainNumbers(state: EditorState): boolean {
  let plain = true;
  syntaxTree(state).iterate({
    enter(node) {
      const text = node.name === "Number" ? state.sliceDoc(node.from, node.to) : "";
      if (text !== "" && String(Number(text)) !== text) plain = false;
    },
  });
  return plain;
}

/** What stands at a pointer. `name` is missing in a list, `value` where none is typed yet. */
export interface Found {
  name?: SyntaxNode;
  value?: SyntaxNode;
}

export function find(state: EditorState, parts: string[]): Found | undefined {
  let found: Found = { value: rootOf(state) };
  for (const part of parts) {
    const value = found.value;
    if (value?.name === "Object") {
      const member = membersOf(value).findLast(({ name }) => textOf(state, name) === part);
      if (!member) return undefined;
      found = member;
    } else if (value?.name === "Array") {
      const item = itemsOf(value)[Number(part)];
      if (!item) return undefined;
      found = { value: item };
    } else {
      return undefined;
    }
  }
  return found;
}

/** The pointer of what the cursor is in. */
export function pathAt(state: EditorState, position: number): string[] {
  const path: string[] = [];
  let node: SyntaxNode | null = syntaxTree(state).resolveInner(position, -1);
  for (; node; node = node.parent) {
    const parent: SyntaxNode | null = node.parent;
    if (node.name === "Property") {
      const name = node.getChild("PropertyName");
      if (name) path.unshift(textOf(state, name));
    } else if (parent?.name === "Array" && VALUES.has(node.name)) {
      path.unshift(String(itemsOf(parent).findIndex((item) => item.from === node?.from)));
    }
  }
  return path;
}

/** Where a problem shows. A field that is not there shows at the object that lacks it. */
export function placeOf(state: EditorState, pointer: string, isKnown: (path: string[]) => boolean): Place {
  const parts = partsOf(pointer);
  if (parts.length === 0) return brokenPlace(state);
  const found = find(state, parts);
  if (found) {
    const node = isKnown(parts) ? (found.value ?? found.name) : (found.name ?? found.value);
    if (node) return opening(node);
  }
  for (let length = parts.length - 1; length >= 0; length--) {
    const node = find(state, parts.slice(0, length))?.value;
    if (node) return { from: node.from, to: node.from + 1 };
  }
  return start(state);
}

/** Of an object or a list its bracket alone: red over many lines says nothing. */
function opening(node: SyntaxNode): Place {
  const isLong = node.name === "Object" || node.name === "Array";
  return { from: node.from, to: isLong ? node.from + 1 : node.to };
}

function start(state: EditorState): Place {
  return { from: 0, to: Math.min(1, state.doc.length) };
}

/** Where the text stops being JSON, or names something twice. */
function brokenPlace(state: EditorState): Place {
  let broken: Place | undefined;
  syntaxTree(state).iterate({
    enter(node) {
      if (broken) return false;
      if (node.type.isError) broken = { from: node.from, to: node.to };
      if (node.name === "Object") broken ??= twice(state, node.node);
      return !broken;
    },
  });
  return broken ? visible(state, broken) : start(state);
}

function twice(state: EditorState, object: SyntaxNode): Place | undefined {
  const seen = new Set<string>();
  for (const { name } of membersOf(object)) {
    const text = textOf(state, name);
    if (seen.has(text)) return { from: name.from, to: name.to };
    seen.add(text);
  }
  return undefined;
}

/** Something missing has no width: the character before it is marked. */
function visible(state: EditorState, place: Place): Place {
  if (place.to > place.from) return place;
  const before = state.sliceDoc(0, place.from).trimEnd().length;
  return { from: Math.max(0, before - 1), to: Math.max(before, Math.min(1, state.doc.length)) };
}
