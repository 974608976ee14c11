// The tutorial's second half: Limit Count whose Redis user and password are references.
import { Dashboard } from "../support/dashboard";
import { Redis } from "../support/redis";
import { expect, freshWorld, test } from "../support/test";
import { addVault } from "../support/tutorial";

const world = freshWorld();
const SECRET = "api7/redis";
let dashboard: Dashboard;
let redis: Redis;

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

test("the tutorial's text is typed in, with its mistakes, and mended", async ({ page, complaints }) => {
  complaints.expect(/status of 422/);
  await world.bao.put(SECRET, { username: "api7", password: "redis-api7" });
  await addVault(world, dashboard);
  await dashboard.addEchoService("httpbin");
  await dashboard.openService("httpbin");
  await dashboard.addRoute("ip", "/ip");

  await page.getByRole("button", { name: "Enable Plugin", exact: true }).click();
  const card = page
    .getByRole("listitem")
    .filter({ has: page.getByRole("heading", { name: "Limit Count", exact: true }) });
  await card.getByRole("button", { name: "Enable", exact: true }).click();
  const text = page.getByRole("textbox", { name: "JSON Editor", exact: true });
  const editor = page.getByRole("dialog").filter({ has: text });
  const enable = editor.getByRole("button", { name: "Enable", exact: true });
  for (const [typed, complaint] of [
    [tutorialText(""), "wrap it in { }"],
    [`{${tutorialText("")}}`, "/redis_host"],
    [`{${tutorialText("$secret://vault/my-vault/redis/host")}}`, "not resolved in this field"],
    [`{${tutorialText("127.0.0.1")}, "count": 4}`, "twice"],
    [`{${tutorialText("127.0.0.1").replace("my-vault", "no-vault")}}`, "/redis_username"],
  ]) {
    await text.fill(typed);
    await enable.click();
    await expect(editor).toContainText(complaint);
  }
  await text.fill(`{${tutorialText("127.0.0.1")}}`);
  await dashboard.submit(editor, "Enable");

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
  const text = page.getByRole("textbox", { name: "JSON Editor", exact: true });
  await text.fill((await text.inputValue()).replace('"count": 3', '"count": 1000'));
  await dashboard.submit(page.getByRole("dialog").filter({ has: text }), "Save");
  expect((await world.postern.request("/ip")).status).toBe(200);

  await world.bao.put(SECRET, { username: "api7", password: "redis-second" });
  await redis.setUser("api7", "redis-second");
  for (let n = 0; n < 5; n++) {
    const answer = await world.postern.request("/ip");
    expect(answer.status, answer.body).toBe(200);
  }
});

test("without the secret nothing passes, and the incident is found", async ({ page }) => {
  await world.bao.put(SECRET, { username: "api7" });
  await dashboard.go("Secret Providers");
  await page.getByRole("link", { name: "my-vault", exact: true }).click();
  await page.getByRole("button", { name: "Refresh now", exact: true }).click();
  await expect.poll(async () => (await world.postern.request("/ip")).status).toBe(503);
  const { incident } = JSON.parse((await world.postern.request("/ip")).body) as { incident: string };
  await dashboard.open("/g/default/references");
  const row = page.getByRole("row").filter({ hasText: "redis/password" });
  await expect(row).toContainText("Key missing");
  await expect(row).toContainText(incident);
});
