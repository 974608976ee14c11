// Whatever the names, the states and the width of the window: nothing is cut off, nothing sticks out, and what is
// wrong with a form is told in the order of its fields.
import { BOB, BusyWorld, busyPages, endBusy, LIMIT_COUNT, LONG_PROVIDER, makeBusy, providerPage } from "../support/busy";
import { Dashboard, jsonEditor } from "../support/dashboard";
import { expectFits, WIDTHS } from "../support/layout";
import { ALICE, everyDialog, everyPage } from "../support/places";
import { Page } from "@playwright/test";
import { expect, freshWorld, test } from "../support/test";

const world = freshWorld();
let busy: BusyWorld;
let dashboard: Dashboard;

test.beforeAll(async ({ browser }) => {
  test.setTimeout(300_000);
  const page = await browser.newPage();
  busy = await makeBusy(world, new Dashboard(page, world.postern.dashboard));
  await page.close();
});

test.afterAll(() => endBusy(busy));

test.beforeEach(({ page }) => {
  dashboard = new Dashboard(page, world.postern.dashboard);
});

async function expectFitsEverywhere(page: Page, what: string) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    await expectFits(page, `${what}, ${width} px`);
  }
}

test("pages fit, with every state and long names", async ({ page, complaints }) => {
  test.setTimeout(180_000);
  complaints.expect(/status of 404/);
  for (const place of [...(await everyPage(world.postern.dashboard)), ...busyPages]) {
    await dashboard.open(place.path);
    await expectFitsEverywhere(page, place.name);
  }
});

test("dialogs fit", async ({ page }) => {
  test.setTimeout(180_000);
  for (const place of await everyDialog(world.postern.dashboard)) {
    await dashboard.open(place.page);
    await place.open(dashboard);
    await expectFitsEverywhere(page, place.name);
  }
});

test("explanations and tests fit, with what they offer", async ({ page }) => {
  test.setTimeout(180_000);
  for (const [path, button] of [
    [ALICE, "Explain payments"],
    [ALICE, "Explain denied-key"],
    [BOB, "Explain own-key"],
    ["/g/default/secret-providers", `Test ${LONG_PROVIDER}`],
    ["/g/default/secret-providers", "Test my-secrets-manager"],
    [providerPage("vault/my-vault"), "Least privilege"],
  ]) {
    await dashboard.open(path);
    const dialog = await dashboard.dialog(button);
    await expect(dialog.locator(".stage, pre").first()).toBeVisible();
    await expectFitsEverywhere(page, button);
  }
  // The button that sets it right holds the whole reference.
  await dashboard.open(ALICE);
  const { key, field } = await dashboard.keyReferenceDialog("primary-key-of-another-name");
  await field.fill("$secret://vault/my-vault/consumer/alice/secret_key");
  await key.getByRole("button", { name: "Explain", exact: true }).click();
  await expect(key.getByRole("button", { name: "Use $secret://vault/my-vault/consumer/alice/secret-key" })).toBeVisible();
  await expectFitsEverywhere(page, "an explanation with a remedy");
});

test("what the JSON editor offers is read whole on a telephone", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 900 });
  await dashboard.open(busy.plugins);
  const editor = await jsonEditor(await dashboard.dialog("Edit Limit Count"));
  await editor.write(LIMIT_COUNT.replace("redis/username", ""));
  const list = editor.dialog.getByRole("listbox", { name: "Completions" });
  await editor.textbox.getByText("my-vault/\"").click();
  await page.keyboard.press("End");
  for (const _ of ["comma", "quote"]) await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Control+Space");
  await expect(list.getByRole("option").first()).toContainText("in use");
  await expectFits(page, "the completion of a reference");
});

test("what is wrong with a form is told in the order of its fields", async () => {
  await dashboard.open(ALICE.replace("key-auth", "jwt-auth"));
  const dialog = await dashboard.dialog("Add JWT Credential");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  const problems = dialog.getByRole("group", { name: "What needs mending" });
  await expect(problems.getByRole("link")).toHaveText(["Name", "Key", "Secret"]);
});
