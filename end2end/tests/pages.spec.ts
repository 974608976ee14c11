// Every page and dialog: nothing on the console, nothing axe calls serious, in
// both themes; and readable without JavaScript.
import { Dashboard } from "../support/dashboard";
import { expectAccessible } from "../support/axe";
import { everyDialog, everyPage, firstPages } from "../support/places";
import { expect, freshWorld, openPlain, test } from "../support/test";
import { followTutorial } from "../support/tutorial";

const world = freshWorld();
let dashboard: Dashboard;

test.beforeEach(({ page }) => {
  dashboard = new Dashboard(page, world.postern.dashboard);
});

test("empty pages are quiet and accessible", async ({ page }) => {
  for (const place of firstPages) {
    await dashboard.open(place.path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expectAccessible(page, `${place.name}, empty`);
  }
});

test("pages with the tutorial's objects are quiet and accessible, light and dark", async ({ page }) => {
  test.setTimeout(180_000);
  await followTutorial(world, dashboard);
  const places = await everyPage(world.postern.dashboard);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const place of places) {
      const response = await dashboard.open(place.path);
      expect(response?.status(), place.path).toBe(200);
      await expectAccessible(page, `${place.name}, ${colorScheme}`);
    }
  }
});

test("dialogs have an address and are accessible, light and dark", async ({ page }) => {
  test.setTimeout(180_000);
  const places = await everyDialog(world.postern.dashboard);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const place of places) {
      await dashboard.open(place.page);
      const dialog = await place.open(dashboard);
      const address = page.url();
      await expectAccessible(page, `${place.name}, ${colorScheme}`);
      expect(address, `${place.name} has an address of its own`).not.toBe(world.postern.dashboard + place.page);

      await dashboard.open(address.slice(world.postern.dashboard.length));
      await expect(dialog, `${place.name} opens by its address`).toBeVisible();
      await page.keyboard.press("Escape");
      await expect(dialog, `${place.name} closes with Escape`).toBeHidden();
    }
  }
});

test("every page is titled by its heading and reads without JavaScript", async ({ browser, complaints }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  complaints.watch(context);
  const page = await context.newPage();
  const places = await everyPage(world.postern.dashboard);
  for (const place of places) {
    await openPlain(page, world.postern.dashboard + place.path);
    const heading = await page.getByRole("heading", { level: 1 }).textContent();
    await expect(page, place.path).toHaveTitle(`${heading} · Postern`);
    for (const words of place.shows ?? []) {
      await expect(page.getByRole("main"), place.path).toContainText(words);
    }
  }
  await context.close();
});

test("an unknown page says so, with status 404", async ({ page, complaints }) => {
  complaints.expect(/status of 404/);
  const response = await dashboard.open("/g/default/no-such-page");
  expect(response?.status()).toBe(404);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expectAccessible(page, "the 404 page");
});

test("an unknown object says so, with status 404", async ({ page, complaints }) => {
  complaints.expect(/status of 404/);
  const response = await dashboard.open("/g/default/consumers/Nobody/credentials/key-auth");
  expect(response?.status()).toBe(404);
  await expect(page.getByRole("main")).toContainText("Nobody");
});
