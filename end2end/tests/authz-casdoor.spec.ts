// Authz-Casdoor on a route: browsers sign in elsewhere and come back, with a client secret that stays in Vault.
import { Page } from "@playwright/test";
import { neverShown } from "../support/canary";
import { Casdoor, withoutFonts } from "../support/casdoor";
import { Dashboard } from "../support/dashboard";
import { get } from "../support/http";
import { expect, freshWorld, openPlain, test } from "../support/test";
import { addVault } from "../support/tutorial";

const world = freshWorld();
const SECRET = "api7/casdoor";
const WRONG = "not-the-clients-secret-4f1d";
const GOOD = { client_id: Casdoor.clientId, client_secret: Casdoor.clientSecret };
const WANTED = "/anything/orders?page=2";
const COOKIE = /^authz_casdoor_session_/;
let casdoor: Casdoor;
let dashboard: Dashboard;

neverShown(world, WRONG, Casdoor.clientSecret);

test.beforeAll(async () => {
  casdoor = await Casdoor.start(callback());
});

test.afterAll(async () => {
  await casdoor?.remove();
});

test.beforeEach(async ({ page }) => {
  dashboard = new Dashboard(page, world.postern.dashboard);
  await withoutFonts(page);
});

const callback = () => `${world.postern.gateway}/anything/callback`;

function config(changes: object = {}): string {
  return JSON.stringify({
    endpoint_addr: casdoor.url,
    callback_url: callback(),
    client_id: "$secret://vault/my-vault/casdoor/client_id",
    client_secret: "$secret://vault/my-vault/casdoor/client_secret",
    ...changes,
  });
}

/** A browser asks the gateway for the page; gives the status of where it ends. */
async function ask(page: Page): Promise<number> {
  return (await openPlain(page, world.postern.gateway + WANTED))?.status() ?? 0;
}

/** The upstream's answer for the page that was wanted, and nobody's session in it. */
async function expectWelcome(page: Page) {
  await expect(page).toHaveURL(world.postern.gateway + WANTED);
  const answer = JSON.parse(await page.locator("body").innerText()) as { args: object; headers: object };
  expect(answer.args).toEqual({ page: "2" });
  expect(JSON.stringify(answer.headers)).not.toContain("authz_casdoor_session");
}

/** The session's cookie, made another one of the same length. */
async function tamper(page: Page) {
  const cookies = await page.context().cookies(world.postern.gateway);
  const session = cookies.find((cookie) => COOKIE.test(cookie.name))!;
  const middle = Math.floor(session.value.length / 2);
  const other = session.value[middle] === "A" ? "B" : "A";
  const value = session.value.slice(0, middle) + other + session.value.slice(middle + 1);
  await page.context().addCookies([{ ...session, value }]);
}

test("the plugin is enabled on a route with both its secrets by reference", async ({ page, complaints }) => {
  complaints.expect(/status of 422/);
  await world.bao.put(SECRET, { ...GOOD, client_secret: WRONG });
  await addVault(world, dashboard);
  await dashboard.addEchoService("httpbin");
  await dashboard.openService("httpbin");
  await dashboard.addRoute("pages", "/anything/*");
  await dashboard.openRoute("httpbin", "pages");
  await dashboard.enablePlugin("Authz-Casdoor", config(), [
    { typed: config({ callback_url: world.postern.gateway }), says: "The callback needs a path of its own" },
    { typed: config({ endpoint_addr: `${casdoor.url}/` }), says: "endpoint_addr: " },
    { typed: config({ endpoint_addr: "$secret://vault/my-vault/casdoor/url" }), says: "not resolved in this field" },
    { typed: config({ client_secret: undefined }), says: "The application's Client secret at Casdoor is needed." },
    { typed: config({ client_secret: "$secret://vault/no-vault/a/b" }), says: "client_secret: " },
  ]);
  const references = page.getByRole("list", { name: "References of Authz-Casdoor" });
  for (const field of ["client_id", "client_secret"]) {
    await expect(references.getByRole("listitem").filter({ hasText: field })).toContainText("Resolved");
  }
});

test("a client secret that is wrong in Vault is explained, and works once it is mended there", async ({ page, complaints }) => {
  complaints.expect(/status of 503/);
  expect(await ask(page)).toBe(200);
  expect(page.url()).toContain(casdoor.url);
  await casdoor.signIn(page);
  await expect(page.locator("body")).toContainText("Signing in failed: Casdoor gave no token.");
  expect(page.url()).toContain(callback());
  expect(world.postern.logText()).toContain("nobody can sign in: Casdoor refuses client_id or client_secret");

  // Nobody has to press anything: what Casdoor refuses is read again.
  await world.bao.put(SECRET, GOOD);
  expect(await ask(page)).toBe(200);
  await expectWelcome(page);
});

test("a user signs in, comes back to the page, and has a session", async ({ page }) => {
  expect(await ask(page)).toBe(200);
  await casdoor.signIn(page);
  await expectWelcome(page);
  expect(await ask(page)).toBe(200);
  await expectWelcome(page);
  await tamper(page);
  const cookies = await page.context().cookies(world.postern.gateway);
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  const answer = await get(world.postern.gateway + WANTED, { cookie });
  expect(answer.status, "a session that somebody changed is none").toBe(302);
  expect(answer.headers.location).toContain(`${casdoor.url}/login/oauth/authorize?`);
});

test("whoever comes back with a changed cookie is refused, and signs in anew", async ({ page, complaints }) => {
  complaints.expect(/status of 503/);
  await ask(page);
  await tamper(page);
  await casdoor.signIn(page);
  await expect(page.locator("body")).toContainText("no session found: no sign-in is under way in this browser");
  expect(await ask(page)).toBe(200);
  await expectWelcome(page);
});

test("without the secret nobody passes, and the operator finds the incident", async ({ page, complaints }) => {
  complaints.expect(/status of 503/);
  await ask(page);
  await casdoor.signIn(page);
  await expectWelcome(page);
  await world.bao.put(SECRET, { client_id: Casdoor.clientId });
  await dashboard.refresh();
  await expect.poll(() => ask(page)).toBe(503);
  const { incident } = JSON.parse(await page.locator("body").innerText()) as { incident: string };
  expect(incident).toMatch(/^[0-9a-f]+$/);

  await dashboard.go("References");
  const row = page.getByRole("row").filter({ hasText: incident });
  await expect(row).toContainText("client_secret of Authz-Casdoor");
  await expect(row).toContainText("Key missing");
  await row.getByRole("button", { name: /^Explain/ }).click();
  const explanation = page.getByRole("dialog").getByRole("status", { name: "Explanation", exact: true });
  await expect(explanation).toContainText("has no key 'client_secret': it has client_id.");
  await expect(explanation).toContainText("vault kv patch secret/api7/casdoor client_secret=<value>");
  await page.keyboard.press("Escape");

  await world.bao.put(SECRET, GOOD);
  await dashboard.refresh();
  await expect.poll(() => ask(page), { message: "the session outlives it" }).toBe(200);
  await expectWelcome(page);
});
