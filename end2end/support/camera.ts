// Takes pictures at every width, light and dark, to be looked at.
import { Page } from "@playwright/test";
import { misfits, WIDTHS } from "./layout";

const FOLDER = "test-results/shots";
const HEIGHT = 900;

export class Camera {
  /** What does not fit in the pictures taken so far. */
  readonly misfits: string[] = [];

  constructor(private readonly page: Page) {}

  /** Of what stands there now. */
  async shoot(name: string) {
    const isDialog = await this.page.getByRole("dialog").first().isVisible();
    for (const width of WIDTHS) {
      await this.page.setViewportSize({ width, height: HEIGHT });
      for (const colorScheme of ["light", "dark"] as const) {
        await this.page.emulateMedia({ colorScheme });
        await this.take(`${name}-${width}-${colorScheme}`, !isDialog);
        if (isDialog) await this.takeRest(`${name}-${width}-${colorScheme}`);
      }
      await this.note(`${name} at ${width} px`);
    }
    await this.wide();
  }

  /** Only at the width that the window has: what floats above the page closes when it changes. */
  async shootHere(name: string) {
    for (const colorScheme of ["light", "dark"] as const) {
      await this.page.emulateMedia({ colorScheme });
      await this.take(`${name}-${colorScheme}`, false);
    }
    await this.note(name);
    await this.page.emulateMedia({ colorScheme: "light" });
  }

  /** The width to get about in. */
  async wide() {
    await this.page.emulateMedia({ colorScheme: "light" });
    await this.page.setViewportSize({ width: WIDTHS[0], height: HEIGHT });
  }

  private async note(picture: string) {
    this.misfits.push(...(await misfits(this.page)).map((misfit) => `${picture}: ${misfit}`));
  }

  private async take(name: string, fullPage: boolean) {
    const file = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
    await this.page.screenshot({ path: `${FOLDER}/${file}.png`, fullPage, animations: "disabled" });
  }

  /** What of a dialog has to be scrolled to. */
  private async takeRest(name: string) {
    const body = this.page.locator("dialog .dialog-body").last();
    const top = await body.evaluate((element) => element.scrollTop);
    const moved = await body.evaluate((element) => {
      const before = element.scrollTop;
      element.scrollTop = element.scrollHeight;
      return element.scrollTop !== before;
    });
    if (moved) await this.take(`${name}-end`, false);
    await body.evaluate((element, top) => (element.scrollTop = top), top);
  }
}
