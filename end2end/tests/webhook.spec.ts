// A webhook: its signing secret is shown once, calls it signs are followed, and calls of an earlier one are not.
import { createHmac } from "node:crypto";
import { Dashboard } from "../support/dashboard";
import { expect, freshWorld, test } from "../support/test";
import { addVault } from "../support/tutorial";

const world = freshWorld();

test("a signing secret is shown once, signs calls, and is replaced and deleted", async ({ page }) => {
  const dashboard = new Dashboard(page, world.postern.dashboard);
  await addVault(world, dashboard);
  expect(await call("guessed"), "nobody can call before there is a signing secret").toBe(401);
  await page.getByRole("link", { name: "my-vault", exact: true }).click();
  const card = page.getByRole("region", { name: "Webhook", exact: true });
  await expect(card).toContainText("There is no signing secret: every call is refused.");

  const first = await make(dashboard, "Create webhook", "Create signing secret");
  await expect(card).toContainText("Signing secret set");
  expect(await call(first)).toBe(200);
  expect(await page.content(), "it is shown once").not.toContain(first);

  const second = await make(dashboard, "Manage webhook", "Replace signing secret");
  expect(second).not.toBe(first);
  expect(await call(first), "the earlier one is good no longer").toBe(401);
  expect(await call(second)).toBe(200);

  const dialog = await dashboard.dialog("Manage webhook");
  await dialog.getByRole("button", { name: "Delete webhook", exact: true }).click();
  await expect(dialog).toBeHidden();
  await expect(card).toContainText("There is no signing secret");
  expect(await call(second)).toBe(401);
});

/** Opens the dialog, has a signing secret made, and gives what it showed. */
async function make(dashboard: Dashboard, open: string, button: string): Promise<string> {
  const dialog = await dashboard.dialog(open);
  await dialog.getByRole("button", { name: button, exact: true }).click();
  await expect(dialog).toContainText("it is not shown again");
  await expect(dialog).toContainText("/hooks/secrets/my-vault");
  const secret = await dialog.getByText(/^[0-9a-f]{64}$/).textContent();
  await dialog.getByRole("button", { name: "Close", exact: true }).last().click();
  await expect(dialog).toBeHidden();
  return secret ?? "";
}

async function call(secret: string): Promise<number> {
  const body = JSON.stringify({ path: "consumer/alice" });
  const timestamp = Math.floor(Date.now() / 1000).toString();
  const signature = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
  const headers = { "postern-timestamp": timestamp, "postern-signature": `v1=${signature}` };
  const answer = await fetch(`${world.postern.dashboard}/hooks/secrets/my-vault`, { method: "POST", headers, body });
  return answer.status;
}
