// A real OAuth 2 server at Casdoor's two addresses: dev/backends/casdoor_peer.mjs.
import { Page } from "@playwright/test";
import { Peer } from "./peer";

export class Casdoor {
  static readonly clientId = "casdoor-client";
  static readonly clientSecret = "casdoor-secret";

  private constructor(private readonly peer: Peer) {}

  /** Browsers are sent back to `callbackUrl`, and nowhere else. */
  static async start(callbackUrl: string): Promise<Casdoor> {
    return new Casdoor(await Peer.start(process.execPath, "dev/backends/casdoor_peer.mjs", callbackUrl));
  }

  get url(): string {
    return `http://127.0.0.1:${this.peer.port}`;
  }

  /** What a user does on its pages, from the form on; ends where the browser is sent back to. */
  async signIn(page: Page) {
    await page.getByPlaceholder("Enter any login").fill("alice");
    await page.getByPlaceholder("and password").fill("any");
    await page.getByRole("button", { name: "Sign-in", exact: true }).click();
    await page.getByRole("button", { name: "Continue", exact: true }).click();
  }

  async remove() {
    await this.peer.remove();
  }
}

/** Its pages name a font of another host, which is not there for tests. */
export async function withoutFonts(page: Page) {
  const nothing = { contentType: "text/css", body: "" };
  await page.route("https://fonts.googleapis.com/**", (route) => route.fulfill(nothing));
}
