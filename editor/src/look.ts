// How the editor looks: the tokens of style/tokens.css, so light and dark come by themselves.
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const theme = EditorView.theme({
  "&": {
    fontSize: "0.8125rem",
    border: "1px solid var(--c-control)",
    borderRadius: "6px",
    background: "var(--c-surface)",
    color: "var(--c-text)",
    overflow: "clip",
  },
  "&.cm-focused": { outline: "2px solid var(--c-accent)", outlineOffset: "-1px", borderColor: "var(--c-accent)" },
  ".cm-scroller": {
    fontFamily: "var(--font-mono)",
    lineHeight: "1.375rem",
    minHeight: "16rem",
    maxHeight: "min(30rem, 55dvh)",
    overflow: "auto",
  },
  ".cm-content": { padding: "0.375rem 0", caretColor: "var(--c-text)" },
  ".cm-line": { padding: "0 0.625rem 0 0.375rem" },
  ".cm-gutters": { background: "var(--c-sunken)", color: "var(--c-subtle)", borderRight: "1px solid var(--c-border)" },
  ".cm-lineNumbers .cm-gutterElement": { minWidth: "2rem", padding: "0 0.375rem 0 0.5rem", fontVariantNumeric: "tabular-nums" },
  ".cm-activeLine": { background: "color-mix(in oklab, var(--c-hover) 45%, transparent)" },
  ".cm-activeLineGutter": { background: "var(--c-hover)", color: "var(--c-text)" },
  "&.cm-focused .cm-matchingBracket": { background: "var(--c-accent-soft)", outline: "1px solid var(--c-accent)" },
  "&.cm-focused .cm-nonmatchingBracket": { background: "var(--c-danger-soft)" },
  // Lines and dots, not pictures in the style sheet: the policy of the page lets none through.
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--c-danger)",
    textDecorationThickness: "1px",
    textUnderlineOffset: "4px",
  },
  ".cm-gutter-lint": { width: "0.875rem" },
  ".cm-gutter-lint .cm-gutterElement": { padding: "0 0.125rem" },
  ".cm-lint-marker-error": {
    content: "normal",
    width: "0.5rem",
    height: "0.5rem",
    margin: "0.4375rem 0.0625rem",
    borderRadius: "50%",
    background: "var(--c-danger)",
  },
  ".cm-lintRange-active": { background: "var(--c-danger-soft)" },
  ".cm-lintPoint:after": { borderBottomColor: "var(--c-danger)" },
  ".cm-tooltip": {
    border: "1px solid var(--c-border)",
    borderRadius: "8px",
    background: "var(--c-surface)",
    color: "var(--c-text)",
    boxShadow: "0 0.5rem 1.5rem -0.5rem oklch(0 0 0 / 0.3)",
    maxWidth: "min(32rem, calc(100vw - 2rem))",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--font-mono)", maxHeight: "16rem" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": {
    padding: "0.25rem 0.625rem",
    lineHeight: "1.25rem",
    // What is offered is read whole: on a narrow screen it goes on in the next line.
    whiteSpace: "normal",
    overflowWrap: "anywhere",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
    background: "var(--c-accent-soft)",
    color: "var(--c-text)",
  },
  ".cm-completionMatchedText": { textDecoration: "none", color: "var(--c-accent-text)", fontWeight: "600" },
  ".cm-completionDetail": { display: "inline-block", color: "var(--c-muted)", fontStyle: "normal", marginLeft: "0.75rem", fontFamily: "var(--font-sans)" },
  ".cm-completionIcon": { display: "none" },
  ".cm-tooltip.cm-completionInfo": { padding: "0.5rem 0.75rem", lineHeight: "1.25rem", fontFamily: "var(--font-sans)" },
  // Where there is no room beside the list it would cover the list, or be a letter wide. The guide tells the same.
  ".cm-completionInfo.cm-completionInfo-left-narrow, .cm-completionInfo.cm-completionInfo-right-narrow": { display: "none" },
  "@media (max-width: 45rem)": { ".cm-tooltip.cm-completionInfo": { display: "none" } },
  ".cm-diagnostic": { padding: "0.5rem 0.75rem", fontFamily: "var(--font-sans)", lineHeight: "1.25rem" },
  ".cm-diagnostic-error": { borderLeft: "3px solid var(--c-danger)" },
  ".cm-diagnosticAction": {
    background: "var(--c-accent)",
    color: "var(--c-on-accent)",
    padding: "0.25rem 0.5rem",
    borderRadius: "6px",
    fontSize: "0.75rem",
    fontWeight: "500",
  },
  ".cm-panels": { background: "var(--c-sunken)", color: "var(--c-text)" },
  ".cm-panel.cm-panel-lint ul [aria-selected]": { background: "var(--c-danger-soft)", color: "var(--c-text)" },
  ".cm-panel.cm-panel-lint ul": { maxHeight: "8rem" },
  ".cm-panel button[name=close]": { color: "var(--c-muted)" },
  ".cm-reference": { color: "var(--c-ref)", background: "var(--c-ref-soft)", borderRadius: "3px" },
  ".cm-reference *": { color: "inherit" },
  ".cm-reference-state": {
    marginLeft: "0.375rem",
    height: "1.125rem",
    fontFamily: "var(--font-sans)",
    cursor: "pointer",
    verticalAlign: "text-bottom",
  },
  ".cm-reference-state:hover": { textDecoration: "underline", textUnderlineOffset: "3px" },
});

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--c-accent-text)" },
  { tag: tags.string, color: "var(--c-text)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--c-info)" },
  { tag: [tags.separator, tags.brace, tags.squareBracket, tags.punctuation], color: "var(--c-muted)" },
]);

export const look = [theme, syntaxHighlighting(colours)];
