// The JSON editor of plugins: what completes a reference, the keys, Explain, small windows, both themes.
import { Locator, Page } from "@playwright/test";
import { Dashboard, JsonEditor, jsonEditor } from "../support/dashboard";
import { expectAccessible } from "../support/axe";
import { expect, freshWorld, test } from "../support/test";

const world = freshWorld();
const LISTER = `
path "secret/data/*" { capabilities = ["read"] }
path "secret/metadata/*" { capabilities = ["list"] }
path "secret/subkeys/*" { capabilities = ["read"] }`;
let dashboard: Dashboard;

test.beforeEach(({ page }) => {
  dashboard = new Dashboard(page, world.postern.dashboard);
});

/** Limit Count with a Redis password that is still to be written. */
const config = (password: string) => `{
  "count": 3,
  "time_window": 60,
  "policy": "redis",
  "redis_host": "127.0.0.1",
  "redis_password": "${password}"
}`;

async function openEditor(page: Page, verb: "Enable" | "Edit"): Promise<Locator> {
  if (verb === "Edit") {
    await page.getByRole("button", { name: "Edit Limit Count", exact: true }).click();
  } else {
    await page.getByRole("button", { name: "Enable Plugin", exact: true }).click();
    const card = page
      .getByRole("listitem")
      .filter({ has: page.getByRole("heading", { name: "Limit Count", exact: true }) });
    await card.getByRole("button", { name: "Enable", exact: true }).click();
  }
  return page.getByRole("dialog", { name: `${verb} Limit Count`, exact: true });
}

/** The configuration with the cursor inside the empty password. */
async function beginPassword(page: Page, dialog: Locator): Promise<JsonEditor> {
  const editor = await jsonEditor(dialog);
  await editor.textbox.fill(config(""));
  await page.keyboard.press("ControlOrMeta+End");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowLeft");
  return editor;
}

const options = (dialog: Locator) => dialog.getByRole("listbox", { name: "Completions" }).getByRole("option");
const DENIED = "This provider's token may not list";

test("paths and keys that the provider lists complete a reference", async ({ page }) => {
  await world.bao.put("api7/redis", { username: "api7", password: "redis-api7" });
  await world.bao.put("api7/consumer/alice", { key: "alice-primary-key", "secret-key": "s" });
  await world.bao.writePolicy("lister", LISTER);
  const vault = { kvVersion: "KV version 2", url: world.bao.url, prefix: "secret/api7" } as const;
  await dashboard.addProvider({ ...vault, id: "my-vault", token: await world.bao.createToken("lister") });
  await dashboard.addProvider({ ...vault, id: "no-list", token: world.bao.readToken });
  await dashboard.addEchoService("httpbin");
  await dashboard.openService("httpbin");

  const dialog = await openEditor(page, "Enable");
  const editor = await beginPassword(page, dialog);
  await page.keyboard.type("$secret://vault/my-vault/");
  await expect(options(dialog)).toHaveText([/my-vault\/consumer\/path$/, /my-vault\/redis\/secret$/]);
  await expect(dialog).not.toContainText(DENIED);
  await expectAccessible(page, "the editor while it completes");
  await editor.complete("my-vault/redis/");
  await expect(options(dialog)).toHaveText([/redis\/passwordkey$/, /redis\/usernamekey$/]);
  await editor.complete("redis/password");
  await expect(editor.marks).toHaveText("Resolved");
  expect(JSON.parse(await editor.text())).toHaveProperty("redis_password", "$secret://vault/my-vault/redis/password");
  await page.keyboard.press("ControlOrMeta+Enter");
  await expect(dialog, "Ctrl+Enter saves").toBeHidden();
  const references = page.getByRole("list", { name: "References of Limit Count" });
  await expect(references.getByRole("listitem")).toContainText("Resolved");
});

test("the reference field of the dialogs is completed by the same names", async ({ page }) => {
  await dashboard.addConsumer("Alice");
  await dashboard.openConsumer("Alice");
  const { dialog, key, field } = await dashboard.keyReferenceDialog("primary-key");
  const offered = key.locator("datalist option");
  await field.focus();
  await expect(offered).toHaveText(["Healthy", "Untested"]);
  const provider = "$secret://vault/my-vault/";
  for (const [typed, texts] of [
    [provider, ["redis/password", "consumer/", "redis/"]],
    [`${provider}consumer/`, ["consumer/alice/"]],
    [`${provider}consumer/alice/`, ["consumer/alice/key", "consumer/alice/secret-key"]],
    [`${provider}consumer/alice/s`, ["consumer/alice/secret-key"]],
  ] as const) {
    await field.fill(typed);
    const values = () => offered.evaluateAll((all) => all.map((option) => (option as HTMLOptionElement).value));
    await expect.poll(values, typed).toEqual(texts.map((text) => provider + text));
  }
  await expectAccessible(page, "the reference field with names");
  await field.fill("$secret://vault/no-list/consumer/alice/key");
  await dashboard.submit(dialog);
});

test("where the token may not list, what is in use completes, and it says why that is all", async ({ page }) => {
  await dashboard.openService("httpbin");
  const dialog = await openEditor(page, "Edit");
  const editor = await beginPassword(page, dialog);
  await page.keyboard.type("$secret://vault/no-list/");
  await expect(options(dialog)).toHaveText([/no-list\/consumer\/alice\/keyin use$/]);
  await expect(dialog.getByRole("status").filter({ hasText: DENIED })).toBeVisible();
  // It may read: the keys of a secret whose path is typed out have names.
  await page.keyboard.type("redis/");
  await expect(options(dialog)).toHaveText([/redis\/passwordkey$/, /redis\/usernamekey$/]);
  await expect(dialog).not.toContainText(DENIED);
  await page.keyboard.press("Escape");
  await expect(options(dialog)).toHaveCount(0);
  await expect(editor.textbox).toBeFocused();
});

test("no value is among what the browser is sent while it completes", async ({ page }) => {
  const answers: Promise<string>[] = [];
  page.on("response", (response) => {
    if (response.url().includes("/api/")) answers.push(response.text());
  });
  await dashboard.openService("httpbin");
  const dialog = await openEditor(page, "Edit");
  await beginPassword(page, dialog);
  for (const provider of ["my-vault", "no-list"]) {
    await page.keyboard.type(`$secret://vault/${provider}/redis/`);
    await expect(options(dialog).filter({ hasText: `${provider}/redis/username` })).toBeVisible();
    for (let n = 0; n < 60; n++) await page.keyboard.press("Backspace");
    await beginPassword(page, dialog);
  }
  const heard = (await Promise.all(answers)).join("\n");
  expect(heard).toContain('"username"');
  for (const value of ["redis-api7", "alice-primary-key"]) expect(heard).not.toContain(value);
});

test("a reference that is spelled wrong is explained and written anew from there", async ({ page }) => {
  await dashboard.openService("httpbin");
  const dialog = await openEditor(page, "Edit");
  const editor = await jsonEditor(dialog);
  await editor.textbox.fill(config("$secret://vault/my-vault/redis/pasword"));
  await expect(editor.marks).toHaveText("Key missing");
  await editor.marks.click();
  const explanation = page.getByRole("dialog", { name: "Explain", exact: true });
  await explanation.getByRole("button", { name: "Use $secret://vault/my-vault/redis/password", exact: true }).click();
  await expect(explanation).toContainText("a text of 10 characters that can be used");
  await page.keyboard.press("Escape");
  await expect(explanation).toBeHidden();
  await expect(editor.marks).toHaveText("Resolved");
  expect(JSON.parse(await editor.text())).toHaveProperty("redis_password", "$secret://vault/my-vault/redis/password");
});

test("the catalogue is searched by name and by what a plugin does", async () => {
  await dashboard.openService("httpbin");
  const catalogue = await dashboard.dialog("Enable Plugin");
  const search = catalogue.getByRole("searchbox", { name: "Search plugins", exact: true });
  const found = catalogue.getByRole("listitem").getByRole("heading");
  for (const [typed, names] of [
    ["limit-count", ["Limit Count"]],
    ["LDAP", ["LDAP Auth"]],
    ["hmac sign", ["HMAC Auth"]],
    ["nothing does this", []],
  ] as const) {
    await search.fill(typed);
    await expect(found, typed).toHaveText([...names]);
  }
  await expect(catalogue.getByRole("status")).toHaveText("No plugin has such a name or does such a thing.");
  await search.fill("");
  await expect(found.filter({ hasText: "Key Auth" })).toBeVisible();
});

test("the editor fits into small windows and is accessible in both themes", async ({ page }) => {
  test.setTimeout(180_000);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of [390, 1024]) {
      await page.setViewportSize({ width, height: 844 });
      await dashboard.open("/g/default/services");
      await page.getByRole("link", { name: "httpbin", exact: true }).click();
      await expect(page.getByRole("heading", { level: 1, name: "httpbin", exact: true })).toBeVisible();
      const dialog = await openEditor(page, "Edit");
      const editor = await beginPassword(page, dialog);
      const what = `the editor, ${width} px, ${colorScheme}`;
      const overflow = () =>
        page.evaluate(() => {
          const wide = [document.documentElement, ...Array.from(document.querySelectorAll("dialog, .dialog-body"))];
          return wide.filter((element) => element.scrollWidth > element.clientWidth).map((element) => element.className);
        });
      await page.keyboard.type("$secret://vault/my-vault/");
      await expect(options(dialog)).toHaveText([/redis\/passwordin use$/, /consumer\/path$/, /redis\/secret$/]);
      await expectAccessible(page, `${what}, completing`);
      expect(await overflow(), `${what}, completing`).toEqual([]);
      await page.screenshot({ path: test.info().outputPath(`completing-${width}-${colorScheme}.png`) });
      await editor.complete("redis/password");
      await expect(editor.marks).toHaveText("Resolved");
      await expect(editor.wrong).toHaveCount(0);
      await expectAccessible(page, what);
      expect(await overflow(), what).toEqual([]);
      await page.screenshot({ path: test.info().outputPath(`editor-${width}-${colorScheme}.png`) });
      await page.keyboard.press("ControlOrMeta+s");
      await expect(dialog).toBeHidden();
    }
  }
});

test("a plugin that is not run says so wherever it is listed", async ({ page }) => {
  const off = '{"count": 1, "time_window": 60, "_meta": {"disable": true}}';
  const row = page.getByRole("row").filter({ hasText: "Limit Count" });
  const isMarked = async () => {
    await expect(row.getByText("Disabled", { exact: true })).toBeVisible();
    await expect(row).toContainText("not run, because _meta.disable is true");
  };
  await dashboard.openService("httpbin");
  await expect(row.getByText("Disabled", { exact: true })).toHaveCount(0);
  const dialog = await openEditor(page, "Edit");
  const editor = await jsonEditor(dialog);
  await editor.textbox.fill(off);
  await dashboard.submit(dialog, "Save");
  await isMarked();
  await expectAccessible(page, "a service with a plugin that is disabled");
  await dashboard.addRoute("ip", "/ip");
  await page.getByRole("link", { name: "ip", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "ip", exact: true })).toBeVisible();
  await expect(page.getByText("Limit Count · Disabled", { exact: true })).toBeVisible();
  await dashboard.enablePlugin("Limit Count", off);
  await isMarked();
  await dashboard.go("Published Services");
  await expect(page.getByText("Limit Count · Disabled", { exact: true })).toBeVisible();
  await dashboard.go("Global Plugins");
  await dashboard.enablePlugin("Limit Count", off);
  await isMarked();
  await dashboard.openConsumer("Alice");
  await page.getByRole("tab", { name: "Plugins", exact: true }).click();
  await expect(page.getByText("No plugin yet")).toBeVisible();
  await dashboard.enablePlugin("Limit Count", off);
  await isMarked();
});
