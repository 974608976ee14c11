// Completion of references, one part after the other. The page knows what may follow and is asked; what is in use is
// shown as soon as it is there, what a secret manager lists when that has answered.
import { type Completion, type CompletionContext, type CompletionResult, startCompletion } from "@codemirror/autocomplete";
import { syntaxTree } from "@codemirror/language";
import { type Answer, type Offer, type Schema, schemaAt } from "./given";
import { pathAt } from "./places";

/** What the page was asked, and whoever waits for its answer. */
export class Offers {
  private answer: Answer = { typed: "", offers: null, isPending: false };
  private waiting = new Set<() => void>();

  constructor(private readonly ask: (typed: string) => void) {}

  /** The page has answered. */
  tell(answer: Answer) {
    this.answer = answer;
    for (const look of [...this.waiting]) look();
  }

  /** What may follow `typed`, once that is known; nothing when nobody wants to know any more. */
  heard(context: CompletionContext, typed: string, isListed: boolean): Promise<Offer[]> {
    return new Promise((resolve) => {
      const done = (offers: Offer[]) => {
        this.waiting.delete(look);
        resolve(offers);
      };
      const look = () => {
        const { offers, isPending } = this.answer;
        if (context.aborted) done([]);
        else if (this.answer.typed === typed && offers && !(isListed && isPending)) done(offers);
      };
      this.waiting.add(look);
      context.addEventListener("abort", look, { onDocChange: true });
      this.ask(typed);
      look();
    });
  }
}

/** A source of completions in fields that take a reference: of what is listed, or of everything else. */
export function referenceCompletions(schemaNow: () => Schema, offers: Offers, isListed: boolean) {
  return async (context: CompletionContext): Promise<CompletionResult | null> => {
    const { state, pos } = context;
    const node = syntaxTree(state).resolveInner(pos, -1);
    const isInside = node.name === "String" && pos > node.from;
    if (!isInside || !schemaAt(schemaNow(), pathAt(state, pos))?.["x-reference"]) return null;
    const from = node.from + 1;
    const known = await offers.heard(context, state.sliceDoc(from, pos), isListed);
    const options = known.filter((offer) => offer.isListed === isListed).map((offer) => option(offer, from));
    return options.length > 0 ? { from, options, filter: false } : null;
  };
}

function option({ text, detail, isWhole }: Offer, from: number): Completion {
  return {
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
  };
}
