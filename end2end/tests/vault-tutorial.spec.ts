// The Vault tutorial for a key-auth credential, in a browser and through the
// gateway: with the tutorial's own mistake first (docs: it says KV version 1).
import { ALICE_KEY, Dashboard } from "../support/dashboard";
import { expect, freshWorld, test } from "../support/test";

const world = freshWorld();
const SECRET = "api7/consumer/alice";
let dashboard: Dashboard;

test.beforeEach(({ page }) => {
  dashboard = new Dashboard(page, world.postern.dashboard);
});

/** The status the gateway gives to this key, as soon as it gives the expected one. */
async function expectStatus(status: number, apikey?: string, path = "/ip") {
  await expect
    .poll(async () => (await world.postern.request(path, apikey)).status, {
      message: `GET ${path} with apikey ${apikey ?? "(none)"}`,
    })
    .toBe(status);
}

test("the gateway group has an instance", async ({ page }) => {
  await dashboard.go("Gateway Instances");
  const instance = page.getByRole("row").filter({ hasText: new URL(world.postern.gateway).host });
  await expect(instance).toHaveCount(1);
});

test("choosing KV version 1 is explained and switched with one button", async () => {
  await world.bao.put(SECRET, {
    key: "alice-primary-key",
    password: "alice-password",
    secret: "alice-secret",
    "secret-key": "alice-secret-key",
  });

  await dashboard.go("Secret Providers");
  const dialog = await dashboard.dialog("Add Secret Provider");
  await dashboard.fillProvider(dialog, {
    id: "my-vault",
    kvVersion: "KV version 1",
    url: world.bao.url,
    prefix: "secret/api7",
    token: world.bao.readToken,
  });

  const kvVersion = dialog.getByRole("combobox", { name: "KV Version", exact: true });
  const switchVersion = dialog.getByRole("button", { name: "Switch to KV version 2", exact: true });
  const testConnection = dialog.getByRole("button", { name: "Test Connection", exact: true });
  await testConnection.click();
  const result = dialog.getByRole("status");
  await expect(result).toContainText("KV version 2");
  await switchVersion.click();
  await expect(result).toContainText("The secret provider works");
  await expect(kvVersion.locator("option:checked")).toHaveText("KV version 2");
  await expect(switchVersion).toBeHidden();
  await dashboard.submit(dialog);
});

test("the stored provider is tested from the list", async ({ page }) => {
  await dashboard.go("Secret Providers");
  const stored = await dashboard.dialog("Test my-vault");
  await expect(stored.getByRole("status")).toContainText("The secret provider works");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("row").filter({ hasText: "my-vault" })).toContainText("Healthy");
});

test("Alice gets a key by reference", async ({ page }) => {
  await dashboard.addConsumer("Alice");
  await dashboard.openConsumer("Alice");
  await dashboard.addKeyByReference("primary-key", ALICE_KEY);
  const credential = page.getByRole("row").filter({ hasText: "primary-key" });
  await expect(credential).toContainText(ALICE_KEY);
  await expect(credential).toContainText("Resolved");
});

test("a service with a route answers, until it asks for a key", async () => {
  await expectStatus(404, undefined);
  await dashboard.addEchoService("httpbin");
  await dashboard.openService("httpbin");
  await dashboard.addRoute("ip", "/ip");
  await expectStatus(200, undefined);

  await dashboard.enablePlugin("Key Auth", "{}");
  await expectStatus(401, undefined);
});

test("only Alice's value opens the gateway", async () => {
  const refused = await world.postern.request("/ip");
  expect(refused.status).toBe(401);
  expect(refused.body.trim()).toBe('{"message":"Missing API key in request"}');
  expect(refused.headers["www-authenticate"]).toBe('apikey realm="key"');

  for (const wrong of ["wrong", "", " ", ALICE_KEY, "alice-primary-key ", "alice-primary-ke", "alice-password"]) {
    const answer = await world.postern.request("/ip", wrong.trim() === wrong ? wrong : encodeURIComponent(wrong));
    expect(answer.status, `with the key ${JSON.stringify(wrong)}`).toBe(401);
  }
  expect((await world.postern.request("/ip", "wrong")).body.trim()).toBe('{"message":"Invalid API key in request"}');

  const welcome = await world.postern.request("/ip", "alice-primary-key");
  expect(welcome.status).toBe(200);
  expect(JSON.parse(welcome.body)).toHaveProperty("origin");
});

test("a value rotated in Vault replaces the old one without a restart", async () => {
  await world.bao.put(SECRET, { key: "alice-second-key" });
  await dashboard.refresh();
  await expectStatus(200, "alice-second-key");
  await expectStatus(401, "alice-primary-key");
});

test("a key that was put away in Vault is named with the version that had it", async ({ page }) => {
  await world.bao.put(SECRET, { "secret-key": "alice-secret-key" });
  await dashboard.refresh();
  await expectStatus(401, "alice-second-key");
  await dashboard.openConsumer("Alice");
  const credential = page.getByRole("row").filter({ hasText: "primary-key" });
  await expect(credential).toContainText("Key missing");
  await expect(credential).toContainText("secret-key");

  await world.bao.put(SECRET, { key: "alice-second-key", "secret-key": "alice-secret-key" });
  await dashboard.refresh();
  await expectStatus(200, "alice-second-key");
});

test("while Vault is away the gateway keeps answering, and says so", async ({ page }) => {
  await world.bao.stop();
  await dashboard.refresh();
  await dashboard.openConsumer("Alice");
  await expect(page.getByRole("row").filter({ hasText: "primary-key" })).toContainText("Stale");
  await expectStatus(200, "alice-second-key");
  await expectStatus(401, "wrong");
});

test("when Vault is back, new values arrive again", async ({ page }) => {
  await world.bao.up();
  await world.bao.put(SECRET, { key: "alice-third-key" });
  await dashboard.refresh();
  await expectStatus(200, "alice-third-key");
  await expectStatus(401, "alice-second-key");
  await dashboard.openConsumer("Alice");
  await expect(page.getByRole("row").filter({ hasText: "primary-key" })).toContainText("Resolved");
});
