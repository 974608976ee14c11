// Not a test: pictures of every page and dialog, to be looked at.
//   dev/test --shots   writes them to end2end/test-results/shots
import { Dashboard, jsonEditor } from "../support/dashboard";
import { everyDialog, everyPage, firstPages } from "../support/places";
import { expect, freshWorld, test } from "../support/test";
import { followTutorial } from "../support/tutorial";

// One reference that resolves, and one that does not.
const LIMIT_COUNT = `{
  "count": 3,
  "time_window": 60,
  "key_type": "var",
  "key": "remote_addr",
  "policy": "redis",
  "redis_host": "redis.example.com",
  "redis_port": 6379,
  "redis_username": "$secret://vault/my-vault/redis/username",
  "redis_password": "$secret://vault/my-vault/consumer/alice/key"
}`;

const world = freshWorld();
const folder = "test-results/shots";
const widths = [1440, 1024, 390];
const colorSchemes = ["light", "dark"] as const;

test("pictures", async ({ page, complaints }) => {
  complaints.expect(/status of 404/);
  test.setTimeout(1_800_000);
  const dashboard = new Dashboard(page, world.postern.dashboard);

  async function shoot(name: string, show: () => Promise<unknown>) {
    for (const width of widths) {
      await page.setViewportSize({ width, height: 900 });
      for (const colorScheme of colorSchemes) {
        await page.emulateMedia({ colorScheme });
        await show();
        const file = `${folder}/${name.toLowerCase().replaceAll(/[^a-z]+/g, "-")}-${width}-${colorScheme}.png`;
        await page.screenshot({ path: file, fullPage: true, animations: "disabled" });
      }
    }
  }

  for (const place of firstPages) {
    await shoot(`empty ${place.name}`, () => dashboard.open(place.path));
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await followTutorial(world, dashboard);
  for (const place of await everyPage(world.postern.dashboard)) await shoot(place.name, () => dashboard.open(place.path));
  for (const place of await everyDialog(world.postern.dashboard)) {
    await shoot(`dialog ${place.name}`, async () => {
      await dashboard.open(place.page);
      await place.open(dashboard);
    });
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await dashboard.open(); // without the last dialog
  await dashboard.openService("httpbin");
  await dashboard.enablePlugin("Limit Count", LIMIT_COUNT);
  const plugins = `${new URL(page.url()).pathname}/plugins`;
  async function openEditor() {
    await dashboard.open(plugins);
    return jsonEditor(await dashboard.dialog("Edit Limit Count"));
  }
  await shoot("editor", async () => {
    const editor = await openEditor();
    await expect(editor.marks).toHaveText(["Not found", "Resolved"]);
    await editor.textbox.getByText('"redis_host"').click();
  });
  await shoot("editor completing", async () => {
    const editor = await openEditor();
    await editor.textbox.getByText('"redis"').click();
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    await page.keyboard.type('"r');
    await expect(editor.dialog.getByRole("listbox")).toBeVisible();
  });
  await shoot("editor wrong", async () => {
    const editor = await openEditor();
    await editor.textbox.fill(LIMIT_COUNT.replace("time_window", "time_windw").replace("6379", "70000"));
    await editor.dialog.getByRole("button", { name: "Save", exact: true }).click();
    await expect(editor.wrong.filter({ hasText: "time_windw" })).toBeVisible();
  });
  await shoot("editor inserting", async () => {
    const editor = await openEditor();
    await editor.dialog.getByRole("button", { name: "Reference from Secret Provider", exact: true }).click();
  });
  await shoot("not found", () => dashboard.open("/g/default/no-such-page"));
});
