// Secret values are canaries: they are searched for in what the browser is given and says.
import { BrowserContext } from "@playwright/test";
import { expect, test, World } from "./test";

/** A text, and where it was. */
export interface Seen {
  where: string;
  text: string;
}

/** The texts under which a secret could hide. */
function disguises(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    encodeURIComponent(secret),
    bytes.toString("hex"),
    bytes.toString("base64").replace(/=+$/, ""),
    bytes.toString("base64url"),
    bytes.toString("utf16le"),
    [...bytes].join(","),
  ];
}

/** Which of the secrets are where. */
export function leaks(everything: Seen[], secrets: string[]): string[] {
  return everything.flatMap(({ where, text }) =>
    secrets
      .filter((secret) => disguises(secret).some((disguise) => text.includes(disguise)))
      .map((secret) => `${secret} in ${where}`),
  );
}

/** Everything that a browser is given and says, from now on; `types` of resources only, when named. */
export class Watched {
  private readonly seen: Promise<Seen>[] = [];

  constructor(context: BrowserContext, types?: string[]) {
    context.on("response", (response) => {
      if (types && !types.includes(response.request().resourceType())) return;
      const where = `answer of ${response.request().method()} ${response.url()}`;
      const headers = JSON.stringify(response.headers());
      this.seen.push(
        response.body().then(
          (body) => ({ where, text: headers + body.toString("latin1") }),
          () => ({ where, text: headers }), // redirects have none
        ),
      );
    });
    context.on("console", (message) => {
      this.seen.push(Promise.resolve({ where: "the console", text: message.text() }));
    });
  }

  everything(): Promise<Seen[]> {
    return Promise.all(this.seen);
  }
}

/** In each test of this file: neither these nor the provider's token are in what the browser gets, shows or says, or in the log. */
export function neverShown(world: World, ...secrets: string[]) {
  let watched: Watched;
  test.beforeEach(({ context }) => {
    // What else there is, scripts and styles, is the same for everybody.
    watched = new Watched(context, ["document", "fetch", "xhr"]);
  });
  test.afterEach(async ({ page }) => {
    const shown = { where: `the page ${page.url()}`, text: await page.content() };
    const log = { where: "the log", text: world.postern.logText() };
    const everything = [...(await watched.everything()), shown, log];
    expect(leaks(everything, [world.bao.readToken, ...secrets])).toEqual([]);
  });
}
