// The release build's browsers fetch the code of pages by part (app/src/pages/fetched.rs). Run against a site that
// dev/build-site --release has made; the others have no parts.
import { Dashboard } from "../support/dashboard";
import { everyPage, firstPages } from "../support/places";
import { expect, freshWorld, hydrated, test } from "../support/test";
import { followTutorial } from "../support/tutorial";

const PART = "**/pkg/split_*.wasm";

const world = freshWorld();

test("each page is whole with what a browser fetches for it alone", async ({ page }) => {
  test.setTimeout(300_000);
  const dashboard = new Dashboard(page, world.postern.dashboard);
  await followTutorial(world, dashboard);
  for (const place of await everyPage(world.postern.dashboard)) {
    const fetched: string[] = [];
    page.on("request", (request) => fetched.push(request.url()));
    await dashboard.open(place.path);
    await expect(page.getByRole("heading", { level: 1 }), place.path).toBeVisible();
    // The dialogs of the page follow it.
    const parts = fetched.filter((url) => /\/pkg\/split_(?!\w*dialogs)/.test(url));
    expect(parts, place.path).toHaveLength(1);
    page.removeAllListeners("request");
  }
});

test("links lead from part to part, and back", async ({ page }) => {
  const dashboard = new Dashboard(page, world.postern.dashboard);
  await dashboard.open(firstPages[0].path);
  for (const name of ["Secret Providers", "Consumers", "Published Services", "Global Plugins", "References"] as const) {
    await dashboard.go(name);
  }
  await page.goBack();
  await expect(page.getByRole("heading", { level: 1, name: "Global Plugins", exact: true })).toBeVisible();
});

test("a part that cannot be fetched is told, and loading the page anew helps", async ({ page, complaints }) => {
  complaints.expect(/Failed to load resource|Failed to fetch|TypeError/);
  const dashboard = new Dashboard(page, world.postern.dashboard);
  await dashboard.open(firstPages[0].path);
  await page.route(PART, (route) => route.abort());
  await page.getByRole("navigation").getByRole("link", { name: "Consumers", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "This page cannot be shown" })).toBeVisible();
  await page.unroute(PART);
  await page.getByRole("link", { name: "Load the page anew" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Consumers", exact: true })).toBeVisible();
  await hydrated(page);
});

test("where the address opens a dialog, it works as soon as the page does", async ({ page }) => {
  const dashboard = new Dashboard(page, world.postern.dashboard);
  await dashboard.open("/g/default/consumers?add=consumer");
  const dialog = page.getByRole("dialog", { name: "Add Consumer" });
  await dialog.getByRole("textbox", { name: "Name", exact: true }).fill("Dora");
  await dashboard.submit(dialog);
  await expect(page.getByRole("heading", { level: 1, name: "Dora", exact: true })).toBeVisible();
});

test("a dialog that cannot be fetched is told, and loading the page anew helps", async ({ page, complaints }) => {
  complaints.expect(/Failed to load resource|Failed to fetch|TypeError/);
  const dashboard = new Dashboard(page, world.postern.dashboard);
  await page.route("**/pkg/split_dialogs.wasm", (route) => route.abort());
  await dashboard.open("/g/default/consumers");
  await page.getByRole("button", { name: "Add Consumer", exact: true }).click();
  const told = page.getByRole("dialog", { name: "This dialog cannot be shown" });
  await expect(told).toBeVisible();
  await page.unroute("**/pkg/split_dialogs.wasm");
  await told.getByRole("link", { name: "Load the page anew" }).click();
  await expect(page.getByRole("dialog", { name: "Add Consumer" })).toBeVisible();
  await hydrated(page);
});
