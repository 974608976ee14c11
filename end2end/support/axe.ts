// axe-core on the page as it stands. Evaluated by the browser's debugger, so the
// page's content security policy stays as strict as it is in real life.
import { readFileSync } from "node:fs";
import type { AxeResults } from "axe-core";
import { expect, Page } from "@playwright/test";

const source = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** Fails on every violation that axe calls serious or critical. */
export async function expectAccessible(page: Page, what: string) {
  await page.evaluate(source);
  // Half-faded colours are not what anybody reads.
  await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)));
  const results = await page.evaluate(() =>
    (window as unknown as { axe: { run(options: object): Promise<AxeResults> } }).axe.run({
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  );
  const serious = results.violations
    .filter((violation) => violation.impact === "serious" || violation.impact === "critical")
    .map((violation) => `${violation.id}: ${violation.help}\n  ${violation.nodes.map((node) => node.html).join("\n  ")}`);
  expect(serious, `axe on ${what}`).toEqual([]);
}
