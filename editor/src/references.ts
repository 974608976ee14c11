// References in the text: violet, each with how it fares, and a way to have it explained.
import { syntaxTree } from "@codemirror/language";
import { type EditorState, type Range, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";
import type { Marks } from "./given";
import { textOf } from "./places";

export const setMarks = StateEffect.define<Marks>();

const marksField = StateField.define<Marks>({
  create: () => ({}),
  update: (marks, transaction) => {
    for (const effect of transaction.effects) if (effect.is(setMarks)) return effect.value;
    return marks;
  },
});

/** How a reference fares. Screen readers have the list beside the editor. */
class StateMark extends WidgetType {
  constructor(
    readonly reference: string,
    readonly tone: string,
    readonly glyph: string,
    readonly word: string,
  ) {
    super();
  }

  override eq(other: StateMark) {
    return this.reference === other.reference && this.word === other.word && this.glyph === other.glyph;
  }

  override toDOM() {
    const mark = document.createElement("span");
    mark.className = `cm-reference-state badge ${this.tone}`;
    mark.dataset.reference = this.reference;
    mark.title = "Explain";
    mark.ariaHidden = "true";
    mark.append(icon(this.glyph), this.word);
    return mark;
  }

  override ignoreEvent() {
    return false;
  }
}

const SVG = "http://www.w3.org/2000/svg";

function icon(glyph: string): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", glyph === "loader-circle" ? "icon spin" : "icon");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/icons.svg#${glyph}`);
  svg.append(use);
  return svg;
}

const referenceText = Decoration.mark({ class: "cm-reference" });

function decorate(state: EditorState): DecorationSet {
  const marks = state.field(marksField);
  const found: Range<Decoration>[] = [];
  syntaxTree(state).iterate({
    enter(node) {
      if (node.name !== "String" || node.to - node.from < 3) return;
      const text = textOf(state, node);
      if (!/^\$(secret|env):\/\//.test(text)) return;
      found.push(referenceText.range(node.from, node.to));
      const mark = Object.hasOwn(marks, text) ? marks[text] : undefined;
      if (!mark) return;
      const widget = new StateMark(text, mark.tone, mark.glyph, mark.word);
      found.push(Decoration.widget({ widget, side: 1 }).range(node.to));
    },
  });
  return Decoration.set(found, true);
}

const decorations = StateField.define<DecorationSet>({
  create: decorate,
  update: (set, transaction) => {
    const changed =
      transaction.docChanged ||
      transaction.effects.some((effect) => effect.is(setMarks)) ||
      syntaxTree(transaction.state) !== syntaxTree(transaction.startState);
    return changed ? decorate(transaction.state) : set;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** `explain` is asked for a reference whose mark is pressed, or that is pressed with Ctrl or Cmd. */
export function references(explain: (reference: string) => void) {
  const pressed = EditorView.domEventHandlers({
    mousedown(event, view) {
      const target = event.target as HTMLElement;
      const mark = target.closest<HTMLElement>(".cm-reference-state");
      const withKey = (event.ctrlKey || event.metaKey) && target.closest(".cm-reference");
      const reference = mark?.dataset.reference ?? (withKey ? referenceAt(view.state, view.posAtDOM(target)) : undefined);
      if (!reference) return false;
      event.preventDefault();
      explain(reference);
      return true;
    },
  });
  return [marksField, decorations, pressed];
}

function referenceAt(state: EditorState, position: number): string | undefined {
  const node = syntaxTree(state).resolveInner(position, 1);
  return node.name === "String" ? textOf(state, node) : undefined;
}
