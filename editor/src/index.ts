// The JSON editor: <json-editor> around a <textarea>. The textarea stays what the form holds; without this
// file it is also what is typed into. The page gives attributes and listens to events:
//   text                             what the textarea begins with
//   schema, problems, marks, offers  JSON: see given.ts
//   editor-place     the cursor is in another field: its pointer
//   editor-complete  this part of a reference is to be completed: 'offers' answers
//   editor-explain   the mark of a reference was pressed: its text
// and asks by dispatching
//   editor-seek      show what stands at a pointer
//   editor-put       write into a field: JSON of {pointer, value}; without a value, show the field, and add it
//                    first if it is not there
//   editor-wrap, editor-format
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { bracketMatching, indentOnInput } from "@codemirror/language";
import { lintGutter, lintKeymap } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import {
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  tooltips,
} from "@codemirror/view";
import { completions, firstValue } from "./complete";
import { type Problem, read, type Schema, schemaAt } from "./given";
import { look } from "./look";
import { Offers, referenceCompletions } from "./offers";
import { find, hasPlainNumbers, partsOf, pathAt, placeOf, pointerOf } from "./places";
import { put, showProblems, wrap } from "./problems";
import { references, setMarks } from "./references";
import { typingOver } from "./typing";

/** How long nothing is typed before what is typed is called wrong. */
const PATIENCE = 300;

class JsonEditor extends HTMLElement {
  static observedAttributes = ["schema", "problems", "marks", "offers"];

  private view: EditorView | undefined;
  private area: HTMLTextAreaElement | null = null;
  private schema: Schema = {};
  private readonly offers = new Offers((typed) => this.say("editor-complete", typed));
  private pointer = "";
  private waiting: number | undefined;
  private requests: AbortController | undefined;

  connectedCallback() {
    this.area = this.querySelector("textarea");
    if (!this.area || this.view) return;
    this.schema = read(this.getAttribute("schema"), this.schema);
    this.area.labels[0]?.addEventListener("click", () => this.view?.focus());
    const hadFocus = document.activeElement === this.area;
    const head = this.area.selectionEnd;
    this.view = new EditorView({ state: this.begin(this.area), parent: this });
    this.area.hidden = true;
    this.listen();
    this.tell("marks");
    this.tell("problems");
    this.dataset.ready = "true";
    if (hadFocus) {
      this.view.focus();
      this.view.dispatch({ selection: { anchor: Math.min(head, this.view.state.doc.length) } });
    }
  }

  disconnectedCallback() {
    this.requests?.abort();
    window.clearTimeout(this.waiting);
    this.view?.destroy();
    this.view = undefined;
  }

  attributeChangedCallback(name: string) {
    if (this.view) this.tell(name);
  }

  private begin(area: HTMLTextAreaElement): EditorState {
    const schema = () => this.schema;
    return EditorState.create({
      doc: area.value || this.getAttribute("text") || "",
      extensions: [
        EditorView.cspNonce.of(document.querySelector<HTMLScriptElement>("script[nonce]")?.nonce ?? ""),
        EditorView.contentAttributes.of(() => this.names(area)),
        lineNumbers(),
        lintGutter({ tooltipFilter: () => [] }),
        highlightActiveLine(),
        highlightActiveLineGutter(),
        history(),
        json(),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        autocompletion({
          override: [
            completions(schema),
            referenceCompletions(schema, this.offers, false),
            referenceCompletions(schema, this.offers, true),
          ],
          optionClass: (option) => (option.type === "reference" ? "cm-reference" : ""),
        }),
        EditorView.lineWrapping,
        // Tooltips are not cut off where the dialog scrolls.
        tooltips({ position: "fixed" }),
        references((reference) => this.say("editor-explain", reference)),
        // Tab is not among them: it leaves the editor. Ctrl+Enter and Ctrl+S are the dialog's.
        keymap.of([
          ...closeBracketsKeymap,
          ...defaultKeymap.filter(({ key }) => key !== "Mod-Enter"),
          ...historyKeymap,
          ...completionKeymap,
          ...lintKeymap,
          { key: "Shift-Alt-f", run: () => this.format() },
        ]),
        typingOver,
        look,
        EditorView.updateListener.of((update) => {
          if (update.docChanged) this.typed();
          if (update.docChanged || update.selectionSet) this.moved();
        }),
      ],
    });
  }

  /** The same name and description that the textarea has. */
  private names(area: HTMLTextAreaElement): Record<string, string> {
    const names: Record<string, string> = { "aria-multiline": "true", spellcheck: "false" };
    const [label] = area.labels;
    if (label) names["aria-labelledby"] = label.id ||= `${area.id}-label`;
    const description = area.getAttribute("aria-describedby");
    if (description) names["aria-describedby"] = description;
    if (this.problems().length > 0) names["aria-invalid"] = "true";
    return names;
  }

  /** Takes in an attribute. */
  private tell(name: string) {
    const view = this.view;
    if (!view) return;
    const value = this.getAttribute(name);
    if (name === "schema") this.schema = read(value, {});
    if (name === "offers") this.offers.tell(read(value, { typed: "", offers: null, isPending: false }));
    if (name === "marks") view.dispatch({ effects: setMarks.of(read(value, {})) });
    if (name === "problems" || name === "schema") this.markSoon();
  }

  private markSoon() {
    window.clearTimeout(this.waiting);
    this.waiting = window.setTimeout(() => {
      if (this.view) showProblems(this.view, this.problems(), this.schema);
    }, PATIENCE);
  }

  private problems(): Problem[] {
    return read<Problem[]>(this.getAttribute("problems"), []);
  }

  private typed() {
    if (!this.area || !this.view) return;
    this.area.value = this.view.state.doc.toString();
    this.area.dispatchEvent(new Event("input", { bubbles: true }));
    this.markSoon();
  }

  private moved() {
    if (!this.view) return;
    const { state } = this.view;
    const pointer = pointerOf(pathAt(state, state.selection.main.head));
    if (pointer === this.pointer) return;
    this.pointer = pointer;
    this.say("editor-place", pointer);
  }

  private say(name: string, detail: string) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  private listen() {
    this.requests = new AbortController();
    const on = (name: string, run: (detail: string, view: EditorView) => void) => {
      const heard = (event: Event) => this.view && run(String((event as CustomEvent).detail ?? ""), this.view);
      this.addEventListener(name, heard, this.requests);
    };
    on("editor-seek", (pointer) => this.seek(pointer));
    on("editor-put", (asked, view) => {
      const { pointer, value } = read<{ pointer: string; value?: unknown }>(asked, { pointer: "" });
      if (value !== undefined) return put(view, pointer, value);
      const parts = partsOf(pointer);
      const field = schemaAt(this.schema, parts);
      if (field && !find(view.state, parts)) put(view, pointer, firstValue(field));
      this.seek(pointer);
    });
    on("editor-wrap", (_, view) => wrap(view));
    on("editor-format", () => this.format());
  }

  private seek(pointer: string) {
    const view = this.view;
    if (!view) return;
    const isKnown = (path: string[]) => schemaAt(this.schema, path) !== undefined;
    const { from, to } = placeOf(view.state, pointerOf(partsOf(pointer)), isKnown);
    view.dispatch({ selection: { anchor: from, head: to }, scrollIntoView: true });
    view.focus();
  }

  /** Two blanks a step. Text that means something else to JavaScript than to the server stays as it is. */
  private format(): boolean {
    const view = this.view;
    if (!view) return false;
    const { state } = view;
    const isWhole = this.problems().every(({ pointer }) => pointer !== "");
    const value = isWhole && hasPlainNumbers(state) ? read<unknown>(state.doc.toString(), undefined) : undefined;
    const changes = { from: 0, to: state.doc.length, insert: JSON.stringify(value, null, 2) };
    if (value !== undefined) view.dispatch({ changes });
    return true;
  }
}

customElements.define("json-editor", JsonEditor);
