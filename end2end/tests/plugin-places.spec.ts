// Plugins on a consumer and on every request: what is enabled in the dashboard is what the gateway does.
import { Dashboard } from "../support/dashboard";
import { expect, freshWorld, hydrated, test } from "../support/test";
import { followTutorial } from "../support/tutorial";

const world = freshWorld();
const KEY = "alice-primary-key";
let dashboard: Dashboard;

test.beforeEach(({ page }) => {
  dashboard = new Dashboard(page, world.postern.dashboard);
});

test("a consumer's plugin takes the place of the route's", async ({ page }) => {
  await followTutorial(world, dashboard, KEY);
  await dashboard.openService("httpbin");
  await dashboard.enablePlugin("Limit Count", '{"count": 100, "time_window": 3600}');
  await expect.poll(async () => (await world.postern.request("/ip", KEY)).headers["x-ratelimit-limit"]).toBe("100");

  await dashboard.openConsumer("Alice");
  await page.getByRole("tab", { name: "Plugins", exact: true }).click();
  await expect(page.getByText("No plugin yet")).toBeVisible();
  await hydrated(page);
  const catalogue = await dashboard.dialog("Enable Plugin");
  await expect(catalogue.getByRole("heading", { name: "Limit Count", exact: true })).toBeVisible();
  // What a consumer authenticates with is a credential.
  await expect(catalogue.getByRole("heading", { name: "Key Auth", exact: true })).toHaveCount(0);
  await page.keyboard.press("Escape");
  await dashboard.enablePlugin("Limit Count", '{"count": 1, "time_window": 3600, "rejected_code": 429}', [
    { typed: '{"count": 0, "time_window": 3600}', says: "count: " },
    { typed: '{"count": 1, "time_window": 3600, "rejected_code": 99}', says: "rejected_code: " },
  ]);
  await expect(page.getByRole("row").filter({ hasText: "Limit Count" })).toContainText('"count": 1');
  expect((await world.postern.request("/ip", KEY)).headers["x-ratelimit-limit"]).toBe("1");
  expect((await world.postern.request("/ip", KEY)).status).toBe(429);

  await page.getByRole("button", { name: "Remove Limit Count", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox").fill("limit-count");
  await dialog.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(dialog).toBeHidden();
  expect((await world.postern.request("/ip", KEY)).headers["x-ratelimit-limit"]).toBe("100");
});

test("a global plugin runs for every request, also where there is no route", async ({ page }) => {
  await dashboard.go("Global Plugins");
  await expect(page.getByText("No plugin runs for every request.")).toBeVisible();
  await dashboard.enablePlugin(
    "Limit Count",
    '{"rules": [{"count": 1000, "time_window": 3600, "key": "all", "header_prefix": "Global"}]}',
    [
      { typed: '{"rules": []}', says: "rules: " },
      { typed: '{"rules": [{"count": 1000, "time_window": 3600}]}', says: "rules/0/key: " },
    ],
  );
  for (const [path, status] of [
    ["/ip", 200],
    ["/nowhere", 404],
  ] as const) {
    const answer = await world.postern.request(path, KEY);
    expect(answer.status).toBe(status);
    expect(answer.headers["x-global-ratelimit-limit"]).toBe("1000");
  }
});

test("metadata names the headers of every limit-count, and those of rules have a prefix inside", async ({ page }) => {
  await dashboard.go("Plugin Metadata");
  await expect(page.getByText("No plugin has metadata")).toBeVisible();
  await dashboard.addPluginMetadata("Limit Count", '{"limit_header": "X-RateLimit-Quota"}', [
    { typed: '{"limit_header": "Content-Length"}', says: "limit_header: " },
    { typed: '{"limit_heder": "X-Quota"}', says: "limit_header" },
  ]);
  await expect(page.getByRole("row").filter({ hasText: "Limit Count" })).toContainText('"X-RateLimit-Quota"');
  const { headers } = await world.postern.request("/ip", KEY);
  expect(headers["x-ratelimit-quota"]).toBe("100");
  expect(headers["x-ratelimit-limit"]).toBeUndefined();
  expect(headers["x-global-ratelimit-quota"]).toBe("1000");
});
