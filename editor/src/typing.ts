// Typing over a selection. A browser keeps the look of what it replaces, by style attributes; the policy of the
// page refuses those. So the text is put there without the browser.
import { EditorView } from "@codemirror/view";
import type { Place } from "./places";

export const typingOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const place = selected(view);
    const text = event.data;
    if (!place || text === null || event.inputType !== "insertText" || event.isComposing) return false;
    const { from, to } = place;
    const insert = () =>
      view.state.update({
        changes: { from, to, insert: text },
        selection: { anchor: from + view.state.toText(text).length },
        userEvent: "input.type",
        scrollIntoView: true,
      });
    event.preventDefault();
    const isHandled = view.state.facet(EditorView.inputHandler).some((handle) => handle(view, from, to, text, insert));
    if (!isHandled) view.dispatch(insert());
    return true;
  },
});

/** What is selected in the page. The editor may not have heard of it yet. */
function selected(view: EditorView): Place | undefined {
  const selection = document.getSelection();
  if (!selection?.rangeCount || selection.isCollapsed || !view.contentDOM.contains(selection.anchorNode)) return undefined;
  const range = selection.getRangeAt(0);
  const from = view.posAtDOM(range.startContainer, range.startOffset);
  const to = view.posAtDOM(range.endContainer, range.endOffset);
  return from < to ? { from, to } : undefined;
}
