// The third secret manager's dialog: its own fields, its own words, and what it
// says where there is no cluster.
import { Dashboard } from "../support/dashboard";
import { expect, freshWorld, test } from "../support/test";

const world = freshWorld();
let dashboard: Dashboard;

test.beforeEach(({ page }) => {
  dashboard = new Dashboard(page, world.postern.dashboard);
});

test("a provider of Kubernetes Secrets is checked field by field, tested, and kept", async ({ page }) => {
  await dashboard.go("Secret Providers");
  const dialog = await dashboard.dialog("Add Secret Provider");
  const text = (name: string) => dialog.getByLabel(name, { exact: true });
  const choose = (name: string) => dialog.getByRole("combobox", { name, exact: true });
  await text("Secret Provider ID").fill("my-k8s");
  await choose("Secret Manager").selectOption("Kubernetes Secrets");
  await expect(dialog).toContainText("$secret://kubernetes/my-k8s/");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  const problems = dialog.getByRole("group", { name: "What needs mending" });
  await expect(problems).toContainText("The API Server Address is needed here");
  await expect(problems).toContainText("The token is needed here.");

  // The server that the browser tests have speaks no TLS.
  await text("API Server Address").fill(world.bao.url.replace("http:", "https:"));
  await text("Token").fill("e2e-canary-token");
  const result = dialog.getByRole("status");
  await dialog.getByRole("button", { name: "Test Connection", exact: true }).click();
  await expect(result).toContainText("TLS failed");
  await expect(result).toContainText("does not speak TLS");

  await choose("Authentication Method").selectOption("In-cluster service account");
  await expect(text("API Server Address")).toBeHidden();
  await expect(text("Token")).toBeHidden();
  await choose("Authentication Method").selectOption("Token");
  await dashboard.submit(dialog);
  await page.getByRole("link", { name: "my-k8s", exact: true }).click();
  await expect(page.getByRole("main")).toContainText("<namespace>/<secret>/<key>");
  expect(await page.content()).not.toContain("e2e-canary-token");
});

test("a reference needs namespace, Secret and key", async () => {
  await dashboard.addConsumer("Alice");
  await dashboard.openConsumer("Alice");
  const dialog = await dashboard.dialog("Add Key Authentication Credential");
  const key = dialog.getByRole("group", { name: "Key", exact: true });
  await key.getByRole("radio", { name: "Reference from Secret Provider", exact: true }).check();
  const reference = key.getByRole("combobox", { name: "Key", exact: true });
  await reference.fill("$secret://kubernetes/my-k8s/alice-credentials/key");
  await expect(key).toContainText("<namespace>/<secret>/<key>");
  await reference.fill("$secret://kubernetes/my-k8s/team/alice-credentials/key");
  await expect(key).toContainText("of the Secret team/alice-credentials");
});
