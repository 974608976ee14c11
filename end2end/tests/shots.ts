// Not a test: pictures of every page and dialog, to be looked at.
//   dev/test --shots   writes them to end2end/test-results/shots
import { Dashboard } from "../support/dashboard";
import { everyDialog, everyPage, firstPages } from "../support/places";
import { freshWorld, test } from "../support/test";
import { followTutorial } from "../support/tutorial";

const world = freshWorld();
const folder = "test-results/shots";
const widths = [1440, 1024, 390];
const colorSchemes = ["light", "dark"] as const;

test("pictures", async ({ page, complaints }) => {
  complaints.expect(/status of 404/);
  test.setTimeout(600_000);
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
  await shoot("not found", () => dashboard.open("/g/default/no-such-page"));
});
