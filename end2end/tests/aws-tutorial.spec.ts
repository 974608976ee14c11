// The AWS tutorial for a key-auth credential, in a browser and through the
// gateway: with the tutorial's own typo (alice-credentias) on the way.
import { SecretsManager } from "../support/aws";
import { neverShown } from "../support/canary";
import { Dashboard } from "../support/dashboard";
import { Redis } from "../support/redis";
import { expect, freshWorld, test } from "../support/test";

const world = freshWorld();
const TYPO = "$secret://aws/my-secrets-manager/alice-credentias/alice-key-auth";
const REFERENCE = "$secret://aws/my-secrets-manager/alice-credentials/alice-key-auth";
let aws: SecretsManager;
let redis: Redis;
let dashboard: Dashboard;

neverShown(world, "alice-second-key", "redis-api7", "redis-second");

test.beforeAll(async () => {
  [aws, redis] = await Promise.all([SecretsManager.start(), Redis.start()]);
  await redis.setUser("api7", "redis-api7");
});

test.afterAll(async () => {
  await Promise.all([aws?.remove(), redis?.remove()]);
});

test.beforeEach(({ page }) => {
  dashboard = new Dashboard(page, world.postern.dashboard);
});

async function expectStatus(status: number, apikey?: string) {
  await expect
    .poll(async () => (await world.postern.request("/ip", apikey)).status, { message: `apikey ${apikey ?? "(none)"}` })
    .toBe(status);
}

test("the provider is added as the tutorial says, and its mistakes are explained", async ({ page }) => {
  await dashboard.go("Secret Providers");
  const dialog = await dashboard.dialog("Add Secret Provider");
  const text = (name: string) => dialog.getByLabel(name, { exact: true });
  const choose = (name: string) => dialog.getByRole("combobox", { name, exact: true });
  await text("Secret Provider ID").fill("my-secrets-manager");

  // What was typed for one manager is there again after a look at the other.
  await text("Vault Server URL").fill("http://127.0.0.1:8200");
  await choose("Secret Manager").selectOption("AWS Secrets Manager");
  await expect(text("Vault Server URL")).toBeHidden();
  await choose("Secret Manager").selectOption("HashiCorp Vault");
  await expect(text("Vault Server URL")).toHaveValue("http://127.0.0.1:8200");
  await choose("Secret Manager").selectOption("AWS Secrets Manager");
  await expect(dialog).toContainText("$secret://aws/my-secrets-manager/");

  await choose("Region").selectOption("Other...");
  await text("Custom region").fill("Northern Virginia");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await expect(dialog).toContainText("The Access Key ID is needed here");
  await expect(dialog).toContainText("Write the region's code");
  await choose("Region").selectOption("us-east-1");
  await expect(choose("Region").locator("option:checked")).toHaveText("us-east-1 - US East (N. Virginia)");
  await expect(text("Custom region")).toBeHidden();

  await text("Access Key ID").fill(aws.key("lister").id);
  await text("Secret Access Key").fill("not-the-secret-of-this-key");
  await dialog.getByText("Advanced", { exact: true }).click();
  await text("Endpoint URL").fill(aws.url);
  const result = dialog.getByRole("status");
  await dialog.getByRole("button", { name: "Test Connection", exact: true }).click();
  await expect(result).toContainText("The Secret Access Key does not belong to this Access Key ID");
  await text("Secret Access Key").fill(aws.key("lister").secret);
  await dialog.getByRole("button", { name: "Test Connection", exact: true }).click();
  await expect(result).toContainText("The secret provider works");
  await dashboard.submit(dialog);

  const row = page.getByRole("row").filter({ hasText: "my-secrets-manager" });
  await expect(row).toContainText("AWS Secrets Manager");
  await expect(row).toContainText("us-east-1");
});

test("the stored provider is tested and shown without its secret", async ({ page }) => {
  await dashboard.go("Secret Providers");
  const stored = await dashboard.dialog("Test my-secrets-manager");
  await expect(stored.getByRole("status")).toContainText("The secret provider works");
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "my-secrets-manager", exact: true }).click();
  await expect(page.getByRole("main")).toContainText(aws.key("lister").id);
  expect(await page.content()).not.toContain(aws.key("lister").secret);
  const edit = await dashboard.dialog("Edit");
  await expect(edit.getByLabel("Secret Access Key", { exact: true })).toHaveValue("");
  await expect(edit).toContainText("leave empty to keep");
  await dashboard.submit(edit, "Save");
});

test("the server's own credentials are for groups that the server's configuration names", async ({ complaints }) => {
  complaints.expect(/status of 422/);
  await dashboard.go("Secret Providers");
  const dialog = await dashboard.dialog("Add Secret Provider");
  await dialog.getByLabel("Secret Provider ID", { exact: true }).fill("ambient");
  await dialog.getByRole("combobox", { name: "Secret Manager", exact: true }).selectOption("AWS Secrets Manager");
  const method = dialog.getByRole("combobox", { name: "Authentication Method", exact: true });
  await method.selectOption("Default credential chain");
  await expect(dialog.getByLabel("Access Key ID", { exact: true })).toBeHidden();
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  const problems = dialog.getByRole("group", { name: "What needs mending" });
  await expect(problems).toContainText("--ambient-credentials default");
  await method.selectOption("Access key");
  await dialog.getByText("Advanced", { exact: true }).click();
  await dialog.getByLabel("Role ARN", { exact: true }).fill("postern");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await expect(problems).toContainText("arn:aws:iam::123456789012:role/postern");
  await expect(problems).toContainText("The Secret Access Key is needed here.");
});

test("the tutorial's typo is explained where it is typed, and Alice gets her key", async ({ page }) => {
  await dashboard.addConsumer("Alice");
  await dashboard.openConsumer("Alice");
  const { dialog, key, field } = await dashboard.keyReferenceDialog("primary-key");
  await field.fill(TYPO);
  await key.getByRole("button", { name: "Resolve", exact: true }).click();
  await expect(key).toContainText("The secret alice-credentials exists: did you mean that?");
  await field.fill(REFERENCE);
  await key.getByRole("button", { name: "Resolve", exact: true }).click();
  await expect(key).toContainText("GetSecretValue alice-credentials, key alice-key-auth");
  await expect(key).toContainText("9 characters");
  await dashboard.submit(dialog);
  await expect(page.getByRole("row").filter({ hasText: "primary-key" })).toContainText("Resolved");
});

test("only the value in Secrets Manager opens the gateway, also after it was rotated", async () => {
  await dashboard.addEchoService("httpbin");
  await dashboard.openService("httpbin");
  await dashboard.addRoute("ip", "/ip");
  await dashboard.enablePlugin("Key Auth", "{}");
  await expectStatus(401);
  await expectStatus(401, "alice-key-auth");
  await expectStatus(401, REFERENCE);
  await expectStatus(200, "alice-key");

  await aws.put("alice-credentials", { "alice-key-auth": "alice-second-key" });
  await dashboard.refresh("my-secrets-manager");
  await expectStatus(200, "alice-second-key");
  await expectStatus(401, "alice-key");
});

/** The tutorial's text, with the port of the test's Redis. */
function limitCount(changes: object = {}): string {
  return JSON.stringify({
    count: 3,
    time_window: 60,
    key_type: "var",
    rejected_code: 429,
    rejected_msg: "Too many requests",
    key: "remote_addr",
    policy: "redis",
    redis_host: "127.0.0.1",
    redis_port: redis.port,
    redis_username: "$secret://aws/my-secrets-manager/redis/username",
    redis_password: "$secret://aws/my-secrets-manager/redis/password",
    redis_database: 1,
    redis_timeout: 1001,
    allow_degradation: false,
    show_limit_quota_header: true,
    ...changes,
  });
}

test("Limit Count signs in to Redis with what Secrets Manager has, also after a rotation", async ({ page, complaints }) => {
  complaints.expect(/status of 422/);
  await aws.put("redis", { username: "api7", password: "redis-api7" });
  await dashboard.openService("httpbin");
  await dashboard.enablePlugin("Limit Count", limitCount(), [
    { typed: limitCount({ redis_password: "$secret://aws/redis/password" }), says: "redis_password: " },
    { typed: limitCount({ redis_host: "$secret://aws/my-secrets-manager/redis/host" }), says: "not resolved in this field" },
  ]);
  const references = page.getByRole("list", { name: "References of Limit Count" });
  for (const field of ["redis_username", "redis_password"]) {
    await expect(references.getByRole("listitem").filter({ hasText: field })).toContainText("Resolved");
  }

  for (const remaining of ["2", "1", "0"]) {
    const answer = await world.postern.request("/ip", "alice-second-key");
    expect([answer.status, answer.headers["x-ratelimit-remaining"]], answer.body).toEqual([200, remaining]);
  }
  // Whoever is not let in is not counted, whoever is counted out gets the tutorial's answer.
  await expectStatus(401, "wrong");
  await aws.put("redis", { username: "api7", password: "redis-second" });
  await redis.setUser("api7", "redis-second");
  const refused = await world.postern.request("/ip", "alice-second-key");
  expect([refused.status, refused.body]).toEqual([429, '{"error_msg":"Too many requests"}']);
  expect(refused.headers["x-ratelimit-limit"]).toBe("3");
});
