// Every mistake in the two tutorials' steps up to a credential's value, made on purpose: each is explained where it
// shows, and mended from there. (KV version 1 for a version 2 mount: vault-tutorial.spec.ts.)
import { Locator, Page } from "@playwright/test";
import { SecretsManager } from "../support/aws";
import { ALICE_KEY, Dashboard } from "../support/dashboard";
import { expect, freshWorld, hydrated, test } from "../support/test";

const world = freshWorld();
const SECRET = "api7/consumer/alice";
const AWS_KEY = "$secret://aws/my-secrets-manager/alice-credentials/alice-key-auth";
let aws: SecretsManager;
let token: string;
let dashboard: Dashboard;

test.beforeAll(async () => {
  aws = await SecretsManager.start();
  token = await world.bao.createToken("postern");
});

test.afterAll(async () => {
  await aws?.remove();
});

test.beforeEach(({ page }) => {
  dashboard = new Dashboard(page, world.postern.dashboard);
});

const text = (dialog: Locator, name: string) => dialog.getByLabel(name, { exact: true });
const button = (place: Locator | Page, name: string) => place.getByRole("button", { name, exact: true });
/** The text to copy in what a test or explanation found. */
const snippet = async (place: Locator) => (await place.locator("pre code").innerText()).trim();

/** The dialog of a new credential, with this reference typed. */
async function typed(reference: string) {
  const { dialog, key, field } = await dashboard.keyReferenceDialog("primary-key");
  await field.fill(reference);
  return { dialog, key, explanation: key.getByRole("status", { name: "Explanation", exact: true }) };
}

test("a Vault Server URL that is blank, half or another machine's is told what it should be", async ({ complaints }) => {
  complaints.expect(/status of 422/);
  await dashboard.go("Secret Providers");
  const dialog = await dashboard.dialog("Add Secret Provider");
  const result = dialog.getByRole("status");
  await dashboard.fillProvider(dialog, { id: "my-vault", kvVersion: "Auto-detect", url: "", prefix: "secret/api7", token });
  await button(dialog, "Test Connection").click();
  await expect(dialog).toContainText("The Vault Server URL is needed here, for example http://127.0.0.1:8200.");
  await text(dialog, "Vault Server URL").fill(`127.0.0.1:${world.bao.port}`);
  await button(dialog, "Test Connection").click();
  await expect(dialog).toContainText(`Write the scheme too: ${world.bao.url}`);
  // The tutorial's Vault is in a container network, the gateway is not.
  await text(dialog, "Vault Server URL").fill("http://vault.invalid:8200");
  await button(dialog, "Test Connection").click();
  await expect(result).toContainText("the name must be known where Postern runs");
  await text(dialog, "Vault Server URL").fill(`${world.bao.url}/v1/secret`);
  await button(dialog, "Test Connection").click();
  await expect(dialog).toContainText("Leave /v1 and what follows out");
  await text(dialog, "Vault Server URL").fill(world.bao.url);
  await button(dialog, "Test Connection").click();
  await expect(result).toContainText("Mount and KV version failed");
});

test("the policy that is cut off in the tutorial is whole on screen, and works as it is copied", async () => {
  await dashboard.go("Secret Providers");
  const dialog = await dashboard.dialog("Add Secret Provider");
  const result = dialog.getByRole("status");
  // One page of the tutorial says kv/api7, the others secret/api7.
  const vault = { id: "my-vault", kvVersion: "Auto-detect", url: world.bao.url, prefix: "kv/api7", token } as const;
  await dashboard.fillProvider(dialog, vault);
  await button(dialog, "Test Connection").click();
  await expect(result).toContainText("no mount behind the prefix 'kv/api7'");
  await expect(result).toContainText("vault secrets list");
  await text(dialog, "Secret Prefix").fill("secret/api7");
  await button(dialog, "Test Connection").click();
  await expect(result).toContainText("no mount behind the prefix 'secret/api7'");
  const policy = await snippet(result);
  expect(policy).toBe('path "secret/data/api7/*" {\n  capabilities = ["read"]\n}');
  await world.bao.writePolicy("postern", policy);
  await button(dialog, "Test Connection").click();
  await expect(result).toContainText("The secret provider works");
  await expect(result).toContainText("KV version 2 at secret/");
  await dashboard.submit(dialog);
});

test("four puts leave one key: the version that had the others is named, and the patch on screen mends it", async ({ page }) => {
  await dashboard.addConsumer("Alice");
  for (const [key, value] of [["key", "alice-primary-key"], ["password", "p"], ["secret", "s"], ["secret-key", "k"]]) {
    await world.bao.put(SECRET, { [key]: value });
  }
  await dashboard.openConsumer("Alice");
  const { dialog, key, explanation } = await typed(ALICE_KEY);
  await button(key, "Explain").click();
  await expect(explanation).toContainText("The secret secret/api7/consumer/alice (version 4) has no key 'key': it has secret-key.");
  await expect(explanation).toContainText("Version 1 still had 'key'. 'vault kv put' replaces all keys of a secret");
  const command = await snippet(explanation);
  const [, path, name] = command.match(/^vault kv patch secret\/(\S+) (\S+)=<value>$/)!;
  await world.bao.patch(path, { [name]: "alice-primary-key" });
  await button(key, "Explain").click();
  await expect(explanation).toContainText("The reference gives a value.");
  // The tutorial says that the path sent ends in /key.
  await expect(explanation).toContainText(`GET ${world.bao.url}/v1/secret/data/api7/consumer/alice`);
  await expect(explanation).not.toContainText("consumer/alice/key");
  await dashboard.submit(dialog);
  await expect(page.getByRole("row").filter({ hasText: "primary-key" })).toContainText("Resolved");
});

test("Alice for alice and secret_key for secret-key are each set right by one button", async () => {
  // The names nearby are told to whoever may list them.
  const list = 'path "secret/metadata/api7/consumer/*" { capabilities = ["list"] }';
  await world.bao.writePolicy("postern", `path "secret/data/api7/*" { capabilities = ["read"] }\n${list}`);
  await dashboard.openConsumer("Alice");
  const { key, explanation } = await typed("$secret://vault/my-vault/consumer/Alice/secret_key");
  await button(key, "Explain").click();
  await expect(explanation).toContainText("Vault has no secret at secret/data/api7/consumer/Alice.");
  await expect(explanation).toContainText("The secret consumer/alice exists: did you mean that?");
  await button(explanation, "Use $secret://vault/my-vault/consumer/alice/secret_key").click();
  await expect(explanation).toContainText("Did you mean 'secret-key'?");
  await button(explanation, "Use $secret://vault/my-vault/consumer/alice/secret-key").click();
  await expect(explanation).toContainText("The reference gives a value.");
  await expect(text(key, "Key")).toHaveValue("$secret://vault/my-vault/consumer/alice/secret-key");
});

test("Explain on the References page goes through every step, and leads to the reason's meaning", async ({ page, context }) => {
  await dashboard.go("References");
  const dialog = await dashboard.dialog(`Explain ${ALICE_KEY}`);
  const explanation = dialog.getByRole("status", { name: "Explanation", exact: true });
  await expect(explanation).toContainText("The reference gives a value.");
  for (const step of ["Reference", "Secret provider", "Address", "Connect", "TLS", "Vault health", "Token"]) {
    await expect(explanation.getByRole("listitem").filter({ hasText: step }).first()).toBeVisible();
  }
  await world.bao.put(SECRET, { "secret-key": "k" });
  await button(dialog, "Explain again").click();
  await expect(explanation).toContainText("The reference gives no value: Key failed.");
  // Nothing is being written here, so nothing is offered to be respelled.
  await expect(button(explanation, "Use $secret://vault/my-vault/consumer/alice/secret-key")).toBeHidden();
  const [reasons] = await Promise.all([
    context.waitForEvent("page"),
    explanation.getByRole("link", { name: "secret.key_missing", exact: true }).click(),
  ]);
  await hydrated(reasons);
  await expect(reasons.getByRole("heading", { level: 1, name: "Reason codes", exact: true })).toBeVisible();
  const row = reasons.getByRole("row").filter({ has: reasons.getByText("secret.key_missing", { exact: true }) });
  await expect(row).toBeInViewport();
  await expect(row).toContainText("The secret is there and has keys, but not this one.");
  for (const code of ["ref.bad_segment", "vault.permission_denied", "vault.token_file_not_found", "aws.clock_skew"]) {
    await expect(reasons.getByText(code, { exact: true })).toHaveCount(1);
  }
  await reasons.close();
  await world.bao.put(SECRET, { key: "alice-primary-key", "secret-key": "k" });
  await button(dialog, "Explain again").click();
  await expect(explanation).toContainText("The reference gives a value.");
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
});

test("a token that can do more than it needs has a badge, until it has the policy on screen", async ({ page }) => {
  const all = 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }';
  await world.bao.writePolicy("postern", all);
  await dashboard.go("Secret Providers");
  await page.getByRole("link", { name: "my-vault", exact: true }).click();
  await expect(page.getByRole("main")).not.toContainText("More than needed");
  const dialog = await dashboard.dialog("Least privilege");
  const review = dialog.getByRole("status", { name: "Least privilege", exact: true });
  await expect(review).toContainText("More than needed");
  await expect(review).toContainText("It may write policies, and so give itself every right.");
  const policy = await snippet(review);
  expect(policy).toContain('path "secret/data/api7/consumer/alice" {\n  capabilities = ["read"]\n}');
  await page.keyboard.press("Escape");
  await expect(page.getByRole("main"), "it is remembered").toContainText("More than needed");

  await world.bao.writePolicy("postern", policy);
  await dashboard.dialog("Least privilege");
  await expect(review).toContainText("No more than needed");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("main")).not.toContainText("More than needed");
  await button(page, "Refresh now").click();
  await expect(page.getByRole("main")).toContainText("Healthy");
});

test("the AWS tutorial's region by name, its typo and a key of another name are mended where they are typed", async ({ complaints }) => {
  complaints.expect(/status of 422/);
  await dashboard.go("Secret Providers");
  const dialog = await dashboard.dialog("Add Secret Provider");
  await text(dialog, "Secret Provider ID").fill("my-secrets-manager");
  await dialog.getByRole("combobox", { name: "Secret Manager", exact: true }).selectOption("AWS Secrets Manager");
  const region = dialog.getByRole("combobox", { name: "Region", exact: true });
  await region.selectOption("Other...");
  await text(dialog, "Custom region").fill("N. Virginia");
  await text(dialog, "Access Key ID").fill(aws.key("lister").id);
  await text(dialog, "Secret Access Key").fill(aws.key("lister").secret);
  await dialog.getByText("Advanced", { exact: true }).click();
  await text(dialog, "Endpoint URL").fill(aws.url);
  await button(dialog, "Test Connection").click();
  await expect(dialog).toContainText("Write the region's code");
  await region.selectOption("us-east-1");
  await button(dialog, "Test Connection").click();
  await expect(dialog.getByRole("status")).toContainText("The secret provider works");
  await dashboard.submit(dialog);

  await dashboard.openConsumer("Alice");
  const { key, explanation } = await typed(AWS_KEY.replace("credentials", "credentias").replace("-key-auth", "_key_auth"));
  await button(key, "Explain").click();
  await expect(explanation).toContainText("The secret alice-credentials exists: did you mean that?");
  await button(explanation, "Use $secret://aws/my-secrets-manager/alice-credentials/alice_key_auth").click();
  await expect(explanation).toContainText("alice-key-auth");
  await button(explanation, `Use ${AWS_KEY}`).click();
  await expect(explanation).toContainText("The reference gives a value.");
  await expect(explanation).toContainText("GetSecretValue alice-credentials");
  await expect(text(key, "Key")).toHaveValue(AWS_KEY);
});

test("the AWS tutorial's user that may not read is given the policy that suffices", async ({ page, complaints }) => {
  complaints.expect(/status of 422/);
  await dashboard.go("Secret Providers");
  await page.getByRole("link", { name: "my-secrets-manager", exact: true }).click();
  const least = await dashboard.dialog("Least privilege");
  await expect(least.getByRole("status", { name: "Least privilege", exact: true })).toContainText("IAM policy (JSON)");
  await page.keyboard.press("Escape");
  await expect(least).toBeHidden();
  const edit = await dashboard.dialog("Edit");
  await text(edit, "Access Key ID").fill(aws.key("nobody").id);
  await button(edit, "Test Connection").click();
  await expect(edit).toContainText("Enter it again: the Access Key ID");
  await text(edit, "Secret Access Key").fill(aws.key("nobody").secret);
  await button(edit, "Test Connection").click();
  const result = edit.getByRole("status");
  await expect(result).toContainText("secretsmanager:GetSecretValue");
  expect(JSON.parse(await snippet(result)).Statement[0].Action).toContain("secretsmanager:GetSecretValue");
});
