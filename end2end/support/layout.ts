// What an operator would see as broken at once, whatever the page: it scrolls sideways, words are cut off, or
// something sticks out of the window.
import { expect, Page } from "@playwright/test";

/** The widths that everything is made for: a desktop, a small window, a telephone. */
export const WIDTHS = [1440, 1024, 390];

/** Fails when something of what stands there now does not fit. */
export async function expectFits(page: Page, what: string) {
  expect(await misfits(page), `everything fits on ${what}`).toEqual([]);
}

/** What does not fit at the window's width; with a dialog open, of the dialog. */
export async function misfits(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const dialogs = document.querySelectorAll("dialog[open]");
    const root = dialogs[dialogs.length - 1] ?? document.body;
    const told = (element: Element, fault: string) => {
      const words = (element.textContent ?? "").trim().replace(/\s+/g, " ").slice(0, 60);
      found.push(`${fault}: <${element.tagName.toLowerCase()} class="${element.getAttribute("class") ?? ""}"> ${words}`);
    };

    const page = document.documentElement;
    if (page.scrollWidth > page.clientWidth) found.push(`the page is ${page.scrollWidth} px wide in ${page.clientWidth}`);

    // What scrolls by itself may hold more than it shows, and what only a screen reader reads is a pixel large.
    const scrolls = (element: Element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
    const isHidden = (element: Element) => {
      const style = getComputedStyle(element);
      const { width, height } = element.getBoundingClientRect();
      return style.visibility === "hidden" || width <= 1 || height <= 1;
    };
    const walk = (element: Element, mayStickOut: boolean) => {
      if (isHidden(element) && getComputedStyle(element).display !== "contents") return;
      const isField = element.matches("input, select, textarea, option, svg, .cm-editor");
      const { left, right } = element.getBoundingClientRect();
      if (!mayStickOut && (left < -1 || right > page.clientWidth + 1)) told(element, "sticks out of the window");
      const clips = ["hidden", "clip"].includes(getComputedStyle(element).overflowX);
      if (clips && !isField && element.scrollWidth > element.clientWidth + 1) told(element, "is cut off");
      if (isField) return;
      for (const child of Array.from(element.children)) walk(child, mayStickOut || scrolls(element));
    };
    walk(root, false);
    // A dialog's own words never scroll sideways.
    for (const body of Array.from(root.querySelectorAll(".dialog-body"))) {
      if (body.scrollWidth > body.clientWidth + 1) told(body, "scrolls sideways");
    }
    // What the JSON editor offers, and says about it.
    for (const box of Array.from(root.querySelectorAll(".cm-tooltip, .cm-completionInfo"))) walk(box, false);
    for (const line of Array.from(root.querySelectorAll(".cm-tooltip-autocomplete li"))) {
      if (line.scrollWidth > line.clientWidth + 1) told(line, "is cut off");
    }
    return found;
  });
}
