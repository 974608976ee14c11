// The list of consumers when it has several pages: walked by its links, searched, and all of it in the address.
import { expectAccessible } from "../support/axe";
import { Dashboard } from "../support/dashboard";
import { send } from "../support/http";
import { expect, freshWorld, hydrated, openPlain, test } from "../support/test";

const LIST = "/g/default/consumers";
const COUNT = 45;

const world = freshWorld();
let dashboard: Dashboard;

test.beforeAll(async () => {
  for (let n = 0; n < COUNT; n++) await add(name(n), n % 9 === 0 ? `100% of team_${n}` : "");
});

test.beforeEach(({ page }) => {
  dashboard = new Dashboard(page, world.postern.dashboard);
});

test("pages are walked by their links, forwards and back, and have addresses", async ({ page }) => {
  await dashboard.open(LIST);
  await expect(page.getByRole("status").first()).toHaveText("45 consumers");
  await expectNames(0, 20);
  await expect(link("Previous")).toBeHidden();
  await link("Next").click();
  await expectNames(20, 40);
  await link("Next").click();
  await expectNames(40, 45);
  await expect(link("Next")).toBeHidden();
  await expectAccessible(page, "the last page");

  await link("Previous").click();
  await expectNames(20, 40);
  await page.reload();
  await expectNames(20, 40);
  await page.goBack();
  await expectNames(40, 45);
});

test("a dialog over a page of the list leaves it where it is", async ({ page }) => {
  await dashboard.open(LIST);
  await link("Next").click();
  await expectNames(20, 40);
  const dialog = await dashboard.dialog("Add Consumer");
  await page.reload();
  await hydrated(page);
  await expect(dialog).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expectNames(20, 40);
});

test("what is typed is searched for, and stands in the address", async ({ page }) => {
  await dashboard.open(LIST);
  const search = page.getByRole("searchbox", { name: "Search consumers", exact: true });
  await search.fill("TEAM_1");
  await expect(rows()).toHaveText(["caller-18"]);
  await expect(search).toBeFocused();
  await expect(page).toHaveURL(/search=TEAM_1$/);

  // Signs that mean something elsewhere.
  for (const [typed, found] of [["100%", 5], ["team_", 5], ["%", 0], ['"', 0], ["caller-0", 10], ["ca", 20]] as const) {
    await search.fill(typed);
    await expect(page).toHaveURL(new RegExp(`search=${encodeURIComponent(typed)}$`));
    await expect(rows(), typed).toHaveCount(found);
  }

  await search.fill("🔑🔑🔑");
  await expect(page.getByRole("heading", { name: "No such consumer" })).toBeVisible();
  await expectAccessible(page, "nothing found");
  await page.getByRole("link", { name: "Clear search", exact: true }).click();
  await expectNames(0, 20);
  await expect(search).toHaveValue("");

  await page.goBack();
  await expect(search).toHaveValue("🔑🔑🔑");
  await expect(rows()).toHaveCount(0);
});

test("a page whose rows have gone shows what is left, and new ones appear", async () => {
  await dashboard.open(`${LIST}?after=name%3Azzz`);
  await expect(rows().last()).toHaveText(name(COUNT - 1));
  await add("caller-99");
  await expect(rows().last(), "asked for again by itself").toHaveText("caller-99", { timeout: 15_000 });
});

test("without JavaScript the pages and the search are links and a form", async ({ browser, complaints }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  complaints.watch(context);
  const page = await context.newPage();
  await openPlain(page, world.postern.dashboard + LIST);
  await page.getByRole("link", { name: "Next", exact: true }).click();
  await expect(page.locator("tbody a").first()).toHaveText(name(20));
  await page.getByRole("searchbox", { name: "Search consumers", exact: true }).fill("100%");
  await page.keyboard.press("Enter");
  await expect(page.locator("tbody a")).toHaveCount(5);
  await context.close();
});

function name(n: number): string {
  return `caller-${String(n).padStart(2, "0")}`;
}

function link(words: "Next" | "Previous") {
  return dashboard.page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: words, exact: true });
}

function rows() {
  return dashboard.page.locator("tbody .cell-name");
}

async function expectNames(first: number, end: number) {
  await expect(rows()).toHaveText(Array.from({ length: end - first }, (_, n) => name(first + n)));
}

/** As a browser without JavaScript does. */
async function add(name: string, description = "") {
  const form = new URLSearchParams({ group: "default", name, description });
  const headers = { "content-type": "application/x-www-form-urlencoded", origin: world.postern.dashboard };
  const answer = await send("POST", `${world.postern.dashboard}/api/plain_add_consumer`, headers, form.toString());
  expect(answer.status, answer.body).toBe(303);
}
