// The `test` every spec uses: servers of its own per file, a quiet console, and
// pages that are opened only as far as they can be used.
import { BrowserContext, test as base, expect, Page } from "@playwright/test";
import { OpenBao } from "./openbao";
import { Postern } from "./postern";

export { expect };

/** The servers of one spec file. */
export interface World {
  bao: OpenBao;
  postern: Postern;
}

/** Starts a fresh OpenBao and a fresh Postern, with these settings, for the tests of this file. */
export function freshWorld(...settings: string[]): World {
  const world = {} as World;
  base.describe.configure({ mode: "serial" });
  base.beforeAll(async () => {
    [world.bao, world.postern] = await Promise.all([OpenBao.start(), Postern.start(settings)]);
  });
  base.afterAll(async () => {
    await Promise.all([world.bao?.remove(), world.postern?.remove()]);
  });
  return world;
}

/** What a browser complained about. Empty at the end of every test. */
export class Complaints {
  private readonly seen: string[] = [];
  private readonly expected: RegExp[] = [];

  watch(context: BrowserContext) {
    context.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) {
        this.note(`${message.type()} on ${message.page()?.url()}: ${message.text()} (${message.location().url})`);
      }
    });
    context.on("weberror", (error) => this.note(`uncaught on ${error.page()?.url()}: ${error.error().message}`));
  }

  /** Without the stack: it says little in WebAssembly, and hides the next complaint. */
  private note(complaint: string) {
    this.seen.push(complaint.split(/\n\s*Stack:/)[0]);
  }

  /** For a test that provokes a complaint of the browser's own, such as a 404. */
  expect(complaint: RegExp) {
    this.expected.push(complaint);
  }

  unexpected(): string[] {
    return this.seen.filter((complaint) => !this.expected.some((pattern) => pattern.test(complaint)));
  }
}

export const test = base.extend<{ complaints: Complaints }>({
  complaints: [
    async ({ context }, use) => {
      const complaints = new Complaints();
      complaints.watch(context);
      await use(complaints);
      expect(complaints.unexpected(), "the browser's console stays empty").toEqual([]);
    },
    { auto: true },
  ],
});

/** Opens a page and waits until it reacts: an earlier click would be lost. */
export async function open(page: Page, url: string) {
  const response = await page.goto(url);
  await hydrated(page);
  return response;
}

export async function hydrated(page: Page) {
  await page.waitForFunction(() => document.documentElement.dataset.hydrated === "true");
}

/** Opens a page of another server, or as a browser without JavaScript does: what came is what there is. */
export async function openPlain(page: Page, url: string) {
  return page.goto(url);
}

/** Leaves the dashboard, so that no open page misses a server that is stopped. */
export async function leave(page: Page) {
  await page.goto("about:blank");
}
