// A real OAuth 2 server at Casdoor's two addresses: dev/backends/casdoor_peer.mjs.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Page } from "@playwright/test";
import { Running } from "./process";

export class Casdoor {
  static readonly clientId = "casdoor-client";
  static readonly clientSecret = "casdoor-secret";

  private constructor(
    private readonly running: Running,
    private readonly home: string,
    readonly url: string,
  ) {}

  /** Browsers are sent back to `callbackUrl`, and nowhere else. */
  static async start(callbackUrl: string): Promise<Casdoor> {
    const home = mkdtempSync(join(tmpdir(), "postern-e2e-casdoor-"));
    const running = new Running({
      program: process.execPath,
      args: [resolve(__dirname, "../../dev/backends/casdoor_peer.mjs"), callbackUrl],
      env: { PATH: process.env.PATH, HOME: home },
      log: join(home, "log"),
    });
    return new Casdoor(running, home, `http://127.0.0.1:${await running.port()}`);
  }

  /** What a user does on its pages, from the form on; ends where the browser is sent back to. */
  async signIn(page: Page) {
    await page.getByPlaceholder("Enter any login").fill("alice");
    await page.getByPlaceholder("and password").fill("any");
    await page.getByRole("button", { name: "Sign-in", exact: true }).click();
    await page.getByRole("button", { name: "Continue", exact: true }).click();
  }

  async remove() {
    await this.running.stop();
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Its pages name a font of another host, which is not there for tests. */
export async function withoutFonts(page: Page) {
  const nothing = { contentType: "text/css", body: "" };
  await page.route("https://fonts.googleapis.com/**", (route) => route.fulfill(nothing));
}
