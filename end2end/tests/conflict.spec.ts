// Two operators edit one provider: the second sees what the first changed.
import { Dashboard } from "../support/dashboard";
import { expect, freshWorld, test } from "../support/test";
import { addVault } from "../support/tutorial";

const world = freshWorld();

test("the second of two editors sees what changed, and nothing is overwritten", async ({ page, context, complaints }) => {
  complaints.expect(/status of 409/);
  const first = new Dashboard(page, world.postern.dashboard);
  const second = new Dashboard(await context.newPage(), world.postern.dashboard);
  await addVault(world, first);

  const firstDialog = await editProvider(first);
  const secondDialog = await editProvider(second);
  await prefix(firstDialog).fill("secret/first");
  await first.submit(firstDialog, "Save");

  await prefix(secondDialog).fill("secret/second");
  await secondDialog.getByRole("button", { name: "Save", exact: true }).click();
  const alert = secondDialog.getByRole("alert");
  await expect(alert).toContainText("secret/first");
  await expect(prefix(secondDialog), "what was typed stays").toHaveValue("secret/second");

  await first.open("/g/default/secret-providers");
  await expect(first.page.getByRole("row").filter({ hasText: "my-vault" })).toContainText("secret/first");
});

async function editProvider(dashboard: Dashboard) {
  await dashboard.go("Secret Providers");
  await dashboard.page.getByRole("link", { name: "my-vault", exact: true }).click();
  return dashboard.dialog("Edit");
}

function prefix(dialog: Awaited<ReturnType<typeof editProvider>>) {
  return dialog.getByRole("textbox", { name: "Secret Prefix", exact: true });
}
