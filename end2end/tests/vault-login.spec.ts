// A provider that logs in with AppRole: added through the dialog, a mistake
// explained there, and its credential resolved.
import { Locator } from "@playwright/test";
import { ALICE_KEY, Dashboard } from "../support/dashboard";
import { expect, freshWorld, openPlain, test } from "../support/test";

const world = freshWorld();
const ADD = "/g/default/secret-providers?add=secret-provider";
let dashboard: Dashboard;
let role: { roleId: string; secretId: string };

test.beforeAll(async () => {
  role = await world.bao.enableAppRole();
  await world.bao.put("api7/consumer/alice", { key: "alice-primary-key" });
});

test.beforeEach(({ page }) => {
  dashboard = new Dashboard(page, world.postern.dashboard);
});

async function fillAddress(dialog: Locator, id: string) {
  await dialog.getByRole("textbox", { name: "Secret Provider ID", exact: true }).fill(id);
  await dialog.getByRole("textbox", { name: "Vault Server URL", exact: true }).fill(world.bao.url);
  await dialog.getByRole("textbox", { name: "Secret Prefix", exact: true }).fill("secret/api7");
}

const method = (dialog: Locator) => dialog.getByRole("combobox", { name: "Authentication Method", exact: true });
const field = (dialog: Locator, label: string) => dialog.getByLabel(label, { exact: true });

test("each method shows its own fields", async () => {
  await dashboard.go("Secret Providers");
  const dialog = await dashboard.dialog("Add Secret Provider");
  const all = ["Token", "Token File", "Role ID", "Secret ID", "Username", "Password", "Client Certificate", "Private Key", "Role", "JWT", "Mount Path"];
  for (const [name, shown] of Object.entries({
    Token: ["Token"],
    "Token file": ["Token File"],
    AppRole: ["Role ID", "Secret ID", "Mount Path"],
    "Username and password": ["Username", "Password", "Mount Path"],
    Kubernetes: ["Role", "Mount Path"],
    JWT: ["Role", "JWT", "Mount Path"],
    "TLS certificate": ["Client Certificate", "Private Key", "Role", "Mount Path"],
  })) {
    await method(dialog).selectOption(name);
    for (const label of all) {
      await expect(field(dialog, label), `${label} of ${name}`).toBeVisible({ visible: shown.includes(label) });
    }
  }
});

test("a wrong Secret ID is explained, and the right one logs in", async () => {
  await dashboard.go("Secret Providers");
  const dialog = await dashboard.dialog("Add Secret Provider");
  await fillAddress(dialog, "my-vault");
  await method(dialog).selectOption("AppRole");
  await field(dialog, "Role ID").fill(role.roleId);

  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await expect(dialog.getByRole("group", { name: "What needs mending" })).toContainText("The Secret ID is needed here.");

  const testConnection = dialog.getByRole("button", { name: "Test Connection", exact: true });
  const result = dialog.getByRole("status");
  await field(dialog, "Secret ID").fill("e2e-wrong-secret-id");
  await testConnection.click();
  await expect(result).toContainText("Token failed");
  await expect(result).toContainText("the Secret ID is wrong");

  await field(dialog, "Secret ID").fill(role.secretId);
  await testConnection.click();
  await expect(result).toContainText("The secret provider works.");
  await expect(result).toContainText(/logged in with AppRole; token expires in \d+ min, renewable; policies/);
  await dashboard.submit(dialog);
});

test("its credential resolves", async ({ page }) => {
  await dashboard.addConsumer("Alice");
  await dashboard.openConsumer("Alice");
  await dashboard.addKeyByReference("primary-key", ALICE_KEY);
  await expect(page.getByRole("row").filter({ hasText: "primary-key" })).toContainText("Resolved");
});

test("editing keeps the Secret ID, and another method asks for its own secret", async ({ page }) => {
  await dashboard.go("Secret Providers");
  await page.getByRole("link", { name: "my-vault", exact: true }).click();
  await expect(page.getByRole("main")).toContainText(role.roleId);
  await expect(page.getByRole("main")).not.toContainText(role.secretId);

  const dialog = await dashboard.dialog("Edit");
  await expect(method(dialog).locator("option:checked")).toHaveText("AppRole");
  await expect(field(dialog, "Role ID")).toHaveValue(role.roleId);
  await expect(field(dialog, "Secret ID")).toHaveValue("");
  await method(dialog).selectOption("Token");
  await dialog.getByRole("button", { name: "Save", exact: true }).click();
  await expect(dialog.getByRole("group", { name: "What needs mending" })).toContainText("The token is needed here.");

  await method(dialog).selectOption("AppRole");
  await dialog.getByRole("button", { name: "Test Connection", exact: true }).click();
  await expect(dialog.getByRole("status")).toContainText("logged in with AppRole");
  await dashboard.submit(dialog, "Save");
});

test("name, client certificate and timeout are checked at their fields and kept", async ({ page, complaints }) => {
  complaints.expect(/status of 422/);
  await dashboard.go("Secret Providers");
  await page.getByRole("link", { name: "my-vault", exact: true }).click();
  const dialog = await dashboard.dialog("Edit");
  await dialog.getByText("Advanced", { exact: true }).click();
  await field(dialog, "TLS Server Name").fill("127.0.0.1");
  await field(dialog, "TLS Client Certificate").fill("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----");
  await field(dialog, "Timeout (seconds)").fill("61");
  await dialog.getByRole("button", { name: "Save", exact: true }).click();
  const problems = dialog.getByRole("group", { name: "What needs mending" });
  await expect(problems).toContainText("A TLS Server Name is of use with https:// only.");
  await expect(problems).toContainText("A TLS Client Certificate is shown over https:// only.");
  await expect(problems).toContainText("The key of the TLS Client Certificate is needed here.");
  await expect(problems).toContainText("Enter whole seconds from 1 to 60.");

  await method(dialog).selectOption("TLS certificate");
  await expect(field(dialog, "TLS Client Certificate"), "that method has its own").toBeHidden();
  await method(dialog).selectOption("AppRole");
  await field(dialog, "TLS Server Name").fill("");
  await field(dialog, "TLS Client Certificate").fill("");
  await field(dialog, "Timeout (seconds)").fill("9");
  await dashboard.submit(dialog, "Save");
  await expect(page.getByRole("main")).toContainText("Timeout9 s");
  await expect((await dashboard.dialog("Edit")).getByLabel("Timeout (seconds)", { exact: true })).toHaveValue("9");
});

test("a token file is named below its folder, and what something else writes there is used", async ({ page, complaints }) => {
  complaints.expect(/status of 422/);
  await dashboard.go("Secret Providers");
  await page.getByRole("link", { name: "my-vault", exact: true }).click();
  const dialog = await dashboard.dialog("Edit");
  const result = dialog.getByRole("status");
  const testConnection = dialog.getByRole("button", { name: "Test Connection", exact: true });
  await method(dialog).selectOption("Token file");
  await field(dialog, "Token File").fill("../master.key");
  await testConnection.click();
  await expect(dialog).toContainText("no part that is empty, '.' or '..'");
  await field(dialog, "Token File").fill("my-vault");
  await testConnection.click();
  await expect(result).toContainText("There is no token file 'my-vault' in the folder");
  await expect(result).toContainText("vault.token_file_not_found");
  world.postern.writeTokenFile("my-vault", world.bao.readToken);
  await testConnection.click();
  await expect(result).toContainText("The secret provider works.");
  await expect(result).toContainText("read from the token file; expires in");
  await dashboard.submit(dialog, "Save");
  await expect(page.getByRole("main")).toContainText("Token Filemy-vault");
  await page.getByRole("button", { name: "Refresh now", exact: true }).click();
  await dashboard.openConsumer("Alice");
  await expect(page.getByRole("row").filter({ hasText: "primary-key" })).toContainText("Resolved");
});

test("the form works without JavaScript", async ({ browser }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await openPlain(page, world.postern.dashboard + ADD);
  const dialog = page.getByRole("dialog");
  await fillAddress(dialog, "plain-vault");
  await method(dialog).selectOption("AppRole");
  await expect(field(dialog, "Token")).toBeHidden();
  await field(dialog, "Role ID").fill(role.roleId);
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await expect(page.getByRole("dialog")).toContainText("This is needed here.");
  await expect(field(dialog, "Role ID"), "what was typed comes back").toHaveValue(role.roleId);

  await field(dialog, "Secret ID").fill(role.secretId);
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await expect(page.getByRole("row").filter({ hasText: "plain-vault" })).toBeVisible();
  await context.close();
});
