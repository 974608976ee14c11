// The tutorial's second half: Limit Count whose Redis user and password are references.
import { Locator, Page } from "@playwright/test";
import { neverShown } from "../support/canary";
import { Dashboard, jsonEditor } from "../support/dashboard";
import { Redis } from "../support/redis";
import { expect, freshWorld, test } from "../support/test";
import { expectAccessible } from "../support/axe";
import { addVault } from "../support/tutorial";

const world = freshWorld();
const SECRET = "api7/redis";
let dashboard: Dashboard;
let redis: Redis;

neverShown(world, "redis-api7", "redis-second");

test.beforeAll(async () => {
  redis = await Redis.start();
  await redis.setUser("api7", "redis-api7");
});

test.afterAll(async () => {
  await redis?.remove();
});

test.beforeEach(({ page }) => {
  dashboard = new Dashboard(page, world.postern.dashboard);
});

/** The tutorial's text, which has no braces, with this host, and the port of the test's Redis. */
function tutorialText(host: string): string {
  return `"count": 3,
"time_window": 60,
"key_type": "var",
"rejected_code": 429,
"rejected_msg": "Too many requests",
"key": "remote_addr",
"policy": "redis",
"redis_host": "${host}",
"redis_port": ${redis.port},
"redis_username": "$secret://vault/my-vault/redis/username",
"redis_password": "$secret://vault/my-vault/redis/password",
"redis_database": 1,
"redis_timeout": 1001,
"allow_degradation": false,
"show_limit_quota_header": true`;
}

async function enableLimitCount(page: Page): Promise<Locator> {
  await page.getByRole("button", { name: "Enable Plugin", exact: true }).click();
  const card = page
    .getByRole("listitem")
    .filter({ has: page.getByRole("heading", { name: "Limit Count", exact: true }) });
  await card.getByRole("button", { name: "Enable", exact: true }).click();
  return page.getByRole("dialog", { name: "Enable Limit Count", exact: true });
}

test("the configuration is typed with completion, and what is wrong is marked where it stands", async ({ page }) => {
  await world.bao.put(SECRET, { username: "api7", password: "redis-api7" });
  await addVault(world, dashboard);
  await dashboard.addEchoService("httpbin");
  await dashboard.openService("httpbin");
  await dashboard.addRoute("ip", "/ip");

  const dialog = await enableLimitCount(page);
  const editor = await jsonEditor(dialog);
  await editor.textbox.fill("");
  // Names and values are offered; brackets and quotes close themselves.
  await page.keyboard.type("{");
  await page.keyboard.press("Enter");
  await page.keyboard.type('"cou');
  await editor.complete("count");
  await page.keyboard.type('3,\n"time_w');
  await editor.complete("time_window");
  await page.keyboard.type('60,\n"poli');
  await editor.complete("policy");
  await editor.complete("redis");
  await page.keyboard.type(',\n"redis_pass');
  await editor.complete("redis_password");
  await editor.complete("$secret://vault/my-vault/");
  await page.keyboard.type("redis/password");
  await expect(editor.marks).toHaveText("Resolved");
  expect(JSON.parse(await editor.text())).toEqual({
    count: 3,
    time_window: 60,
    policy: "redis",
    redis_password: "$secret://vault/my-vault/redis/password",
  });

  // What is told of the field that the cursor is in.
  const fields = dialog.getByRole("region", { name: "Fields", exact: true });
  await expect(fields.getByRole("status")).toContainText("redis_password");
  await expect(fields.getByRole("status")).toContainText("Takes a reference");

  // A field that is missing is marked where it would stand, and added by pressing its name.
  await expect(editor.wrong).toHaveText("{");
  await fields.getByRole("button", { name: "redis_host", exact: true }).click();
  await page.keyboard.type('"127.0.0.1"');
  await expect(editor.wrong).toHaveCount(0);

  // A mistake, and what mends it.
  await editor.textbox.fill((await editor.text()).replace("time_window", "time_windw"));
  await expect(editor.wrong.filter({ hasText: "time_windw" })).toBeVisible();
  await page.keyboard.press("F8");
  await page.keyboard.press("F8");
  await dialog.getByRole("button", { name: "Rename to time_window" }).first().click();
  await expect(editor.wrong).toHaveCount(0);

  // Each reference can be explained from its mark and from the list beside the editor.
  await editor.marks.click();
  const explanation = page.getByRole("dialog", { name: "Explain", exact: true });
  await expect(explanation).toContainText("redis/password");
  await explanation.getByRole("button", { name: "Close", exact: true }).last().click();
  await dialog.getByRole("button", { name: "Explain redis_password", exact: true }).click();
  await page.keyboard.press("Escape");
  await expect(explanation).toBeHidden();

  // The reference field of the credential dialogs writes into the first field that is empty.
  await dialog.getByRole("button", { name: "Reference from Secret Provider", exact: true }).click();
  const insert = page.getByRole("dialog", { name: "Reference from Secret Provider", exact: true });
  await insert.getByRole("combobox", { name: "Field", exact: true }).selectOption("redis_username");
  await insert.getByRole("combobox", { name: "Reference", exact: true }).fill("$secret://vault/my-vault/redis/nobody");
  await insert.getByRole("button", { name: "Resolve", exact: true }).click();
  await expect(insert).toContainText("Key missing");
  await expectAccessible(page, "the reference field over the editor");
  await insert.getByRole("button", { name: "Insert", exact: true }).click();
  await expect(insert).toBeHidden();
  await expect(editor.marks.filter({ hasText: "Key missing" })).toBeVisible();
  expect(JSON.parse(await editor.text())).toHaveProperty("redis_username", "$secret://vault/my-vault/redis/nobody");
  await expectAccessible(page, "the editor with references");

  // Escape then Tab, or Tab alone, leaves it.
  await editor.textbox.focus();
  await page.keyboard.press("Tab");
  await expect(editor.textbox).not.toBeFocused();
  await dialog.getByRole("button", { name: "Cancel", exact: true }).click();
  await dialog.getByRole("button", { name: "Discard", exact: true }).click();
});

test("the tutorial's text is pasted, with its mistakes, and mended", async ({ page, complaints }) => {
  complaints.expect(/status of 422/);
  await dashboard.openService("httpbin");
  const dialog = await enableLimitCount(page);
  const editor = await jsonEditor(dialog);
  const enable = dialog.getByRole("button", { name: "Enable", exact: true });
  for (const [typed, complaint] of [
    [tutorialText(""), "wrap it in { }"],
    [`{${tutorialText("")}}`, "redis_host: "],
    [`{${tutorialText("$secret://vault/my-vault/redis/host")}}`, "not resolved in this field"],
    [`{${tutorialText("127.0.0.1")}, "count": 4}`, "twice"],
    [`{${tutorialText("127.0.0.1").replace("my-vault", "no-vault")}}`, "redis_username: "],
  ]) {
    await editor.write(typed);
    await enable.click();
    await expect(dialog.getByRole("group", { name: "What needs mending" })).toContainText(complaint);
  }
  // The server's problem is marked, and its line leads there.
  await expect(editor.wrong.filter({ hasText: "no-vault" }).first()).toBeVisible();
  await dialog.getByRole("link", { name: "redis_username", exact: true }).click();
  await expect(editor.textbox).toBeFocused();

  await editor.textbox.fill(tutorialText("127.0.0.1"));
  await dialog.getByRole("button", { name: "Wrap in { }", exact: true }).click();
  await expect(editor.marks).toHaveText(["Resolved", "Resolved"]);
  await expect(editor.wrong).toHaveCount(0);
  await page.keyboard.press("ControlOrMeta+s");
  await expect(dialog).toBeHidden();

  const references = page.getByRole("list", { name: "References of Limit Count" });
  for (const field of ["redis_username", "redis_password"]) {
    await expect(references.getByRole("listitem").filter({ hasText: field })).toContainText("Resolved");
  }
});

test("three requests pass and the fourth is refused", async () => {
  for (const remaining of ["2", "1", "0"]) {
    const answer = await world.postern.request("/ip");
    expect(answer.status, answer.body).toBe(200);
    expect(answer.headers["x-ratelimit-limit"]).toBe("3");
    expect(answer.headers["x-ratelimit-remaining"]).toBe(remaining);
  }
  const refused = await world.postern.request("/ip");
  expect(refused.status).toBe(429);
  expect(refused.body).toBe('{"error_msg":"Too many requests"}');
  expect(refused.headers["x-ratelimit-remaining"]).toBe("0");
  expect(Number(refused.headers["x-ratelimit-reset"])).toBeGreaterThan(0);
});

test("requests go on when the password is rotated in Vault and in Redis", async ({ page }) => {
  await dashboard.openService("httpbin");
  await page.getByRole("button", { name: "Edit Limit Count", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Edit Limit Count", exact: true });
  const editor = await jsonEditor(dialog);
  await editor.write((await editor.text()).replace('"count": 3', '"count": 1000'));
  await dashboard.submit(dialog, "Save");
  expect((await world.postern.request("/ip")).status).toBe(200);

  await world.bao.put(SECRET, { username: "api7", password: "redis-second" });
  await redis.setUser("api7", "redis-second");
  for (let n = 0; n < 5; n++) {
    const answer = await world.postern.request("/ip");
    expect(answer.status, answer.body).toBe(200);
  }
});

test("without the editor's script the plain text field does", async ({ page, complaints }) => {
  complaints.expect(/editor\.js/);
  await page.route("**/editor.js", (route) => route.abort());
  await dashboard.openService("httpbin");
  await page.getByRole("button", { name: "Edit Limit Count", exact: true }).click();
  const text = page.getByRole("textbox", { name: "JSON Editor", exact: true });
  await text.fill((await text.inputValue()).replace('"count": 1000', '"count": 900'));
  await dashboard.submit(page.getByRole("dialog", { name: "Edit Limit Count", exact: true }), "Save");
  await expect(page.getByRole("row").filter({ hasText: "Limit Count" })).toContainText('"count": 900');
});

test("without the secret nothing passes, and the incident is found", async ({ page }) => {
  await world.bao.put(SECRET, { username: "api7" });
  await dashboard.refresh();
  await expect.poll(async () => (await world.postern.request("/ip")).status).toBe(503);
  const { incident } = JSON.parse((await world.postern.request("/ip")).body) as { incident: string };
  await dashboard.open("/g/default/references");
  const row = page.getByRole("row").filter({ hasText: "redis/password" });
  await expect(row).toContainText("Key missing");
  await expect(row).toContainText(incident);
});
