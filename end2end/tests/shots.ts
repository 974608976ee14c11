// Not tests: pictures of every page and dialog, to be looked at. They fail only where something does not fit.
//   dev/test --shots        writes them to end2end/test-results/shots
//   dev/test --shots WORD   only those of the titles with this word
import { Locator, Page } from "@playwright/test";
import { BOB, BusyWorld, busyPages, endBusy, LIMIT_COUNT, LONG, LONG_PROVIDER, makeBusy, providerPage } from "../support/busy";
import { Camera } from "../support/camera";
import { ALICE_KEY, Dashboard, jsonEditor } from "../support/dashboard";
import { ALICE, everyDialog, everyPage, firstPages, MY_VAULT } from "../support/places";
import { Postern } from "../support/postern";
import { expect, freshWorld, leave, test } from "../support/test";

const GROUP = "/g/default";

const world = freshWorld();
let busy: BusyWorld;
let dashboard: Dashboard;
let camera: Camera;

test.setTimeout(1_800_000);

test.beforeAll(async ({ browser }) => {
  test.setTimeout(600_000);
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  busy = await makeBusy(world, new Dashboard(page, world.postern.dashboard));
  await page.close();
});

// One that does not fit does not keep the others from being taken.
const misfits: string[] = [];

test.afterEach(() => {
  misfits.push(...camera.misfits);
});

test.afterAll(async () => {
  await endBusy(busy);
  expect(misfits, "everything fits").toEqual([]);
});

test.beforeEach(async ({ page, complaints }) => {
  // What is refused is what is to be seen.
  complaints.expect(/status of (404|409|422|502|503)/);
  dashboard = new Dashboard(page, world.postern.dashboard);
  camera = new Camera(page);
  await camera.wide();
});

const button = (place: Locator | Page, name: string) => place.getByRole("button", { name, exact: true });

test("empty pages", async ({ page }) => {
  const empty = await Postern.start();
  try {
    const dashboard = new Dashboard(page, empty.dashboard);
    for (const place of firstPages) {
      await dashboard.open(place.path);
      await camera.shoot(`empty ${place.name}`);
    }
    await leave(page);
  } finally {
    await empty.remove();
  }
});

test("pages", async () => {
  for (const place of [...(await everyPage(world.postern.dashboard)), ...busyPages]) {
    await dashboard.open(place.path);
    await camera.shoot(place.name);
  }
});

test("dialogs", async () => {
  for (const place of await everyDialog(world.postern.dashboard)) {
    await dashboard.open(place.page);
    await place.open(dashboard);
    await camera.shoot(`dialog ${place.name}`);
  }
});

test("credential dialogs", async () => {
  const kinds = [
    { slug: "key-auth", add: "Add Key Authentication Credential", group: "Key" },
    { slug: "basic-auth", add: "Add Basic Authentication Credential", group: "Password" },
    { slug: "jwt-auth", add: "Add JWT Credential", group: "Secret" },
    { slug: "hmac-auth", add: "Add HMAC Authentication Credential", group: "Secret Key" },
  ];
  for (const { slug, add, group } of kinds) {
    await dashboard.open(ALICE.replace("key-auth", slug));
    const dialog = await dashboard.dialog(add);
    const field = dialog.getByRole("group", { name: group, exact: true });
    if (slug === "jwt-auth") await dialog.getByText("Advanced", { exact: true }).click();
    await button(field, "Generate").click();
    await camera.shoot(`credential ${slug} typed in`);
    await field.getByRole("radio", { name: "Reference from Secret Provider", exact: true }).check();
    await field.getByRole("combobox", { name: group, exact: true }).fill(ALICE_KEY);
    await camera.shoot(`credential ${slug} reference`);
    await field.getByRole("combobox", { name: group, exact: true }).fill("");
    await button(dialog, "Add").click();
    await expect(dialog.getByRole("group", { name: "What needs mending" })).toBeVisible();
    await camera.shoot(`credential ${slug} wrong`);
    if (slug === "jwt-auth") {
      await dialog.getByRole("combobox", { name: "Algorithm", exact: true }).selectOption("RS256");
      await camera.shoot("credential jwt-auth public key");
    }
  }
});

test("references written", async ({ page }) => {
  const typed: [string, string][] = [
    ["malformed", "$secret://vault/my-vault"],
    ["another manager", "$secret://gcp/my-vault/consumer/alice/key"],
    ["near miss", "$secrets://vault/my-vault/consumer/alice/key"],
    ["resolved", ALICE_KEY],
    ["key missing", "$secret://vault/my-vault/consumer/alice/secret_key"],
    ["of no provider", "$secret://vault/my-other-vault/consumer/alice/key"],
    ["unreachable", `$secret://vault/${LONG_PROVIDER}/consumer/alice/key`],
  ];
  await dashboard.open(ALICE);
  const { dialog, key, field } = await dashboard.keyReferenceDialog("primary-key-of-another-name");
  for (const [name, reference] of typed) {
    await field.fill(reference);
    await field.press("Tab");
    await camera.shoot(`reference ${name}`);
    if (await button(key, "Resolve").isDisabled()) continue;
    await button(key, "Resolve").click();
    await expect(key.locator(".badge").first()).toBeVisible();
    await camera.shoot(`reference ${name} resolve`);
    await button(key, "Explain").click();
    await expect(key.getByRole("status", { name: "Explanation", exact: true }).getByRole("listitem").first()).toBeVisible();
    await camera.shoot(`reference ${name} explain`);
  }
  await field.fill(ALICE_KEY);
  await page.keyboard.press("Escape");
  await expect(button(dialog, "Discard")).toBeVisible();
  await camera.shoot("discard");
});

test("explain", async ({ page }) => {
  const rows = ["primary-key", "another-key", "key-of-bobby", "denied-key", "payments", "cloud-key", "from-environment"];
  await dashboard.open(ALICE);
  for (const name of rows) {
    const dialog = await dashboard.dialog(`Explain ${name}`);
    await expect(dialog.getByRole("status", { name: "Explanation", exact: true }).getByRole("listitem").first()).toBeVisible();
    await camera.shoot(`explain ${name}`);
    await page.keyboard.press("Escape");
    await expect(dialog).toBeHidden();
  }
});

test("providers tested and reviewed", async ({ page }) => {
  await dashboard.open(`${GROUP}/secret-providers`);
  for (const id of ["my-vault", "denied-vault", LONG_PROVIDER, "my-secrets-manager"]) {
    const dialog = await dashboard.dialog(`Test ${id}`);
    await expect(dialog.getByRole("listitem").first()).toBeVisible();
    await camera.shoot(`test connection ${id}`);
    await page.keyboard.press("Escape");
    await expect(dialog).toBeHidden();
  }
  for (const [id, path] of [
    ["my vault", MY_VAULT],
    ["denied", providerPage("vault/denied-vault")],
    ["aws", providerPage("aws/my-secrets-manager")],
  ]) {
    await dashboard.open(path);
    const dialog = await dashboard.dialog("Least privilege");
    await expect(dialog.getByText("Asking what the provider may do…")).toBeHidden();
    await camera.shoot(`least privilege ${id}`);
  }
});

test("provider dialogs", async () => {
  await dashboard.open(`${GROUP}/secret-providers`);
  const dialog = await dashboard.dialog("Add Secret Provider");
  const text = (name: string) => dialog.getByLabel(name, { exact: true });
  await button(dialog, "Add").click();
  await camera.shoot("provider nothing typed");
  await dashboard.fillProvider(dialog, {
    id: "another-vault",
    kvVersion: "KV version 1",
    url: world.bao.url,
    prefix: "secret/api7",
    token: world.bao.readToken,
  });
  await button(dialog, "Test Connection").click();
  await expect(dialog.getByRole("listitem").first()).toBeVisible();
  await camera.shoot("provider test says what to switch");
  await dialog.getByText("Advanced", { exact: true }).first().click();
  await camera.shoot("provider advanced");
  const method = dialog.getByRole("combobox", { name: "Authentication Method", exact: true });
  await method.selectOption("AppRole");
  await camera.shoot("provider approle");
  await dialog.getByRole("combobox", { name: "Secret Manager", exact: true }).selectOption("AWS Secrets Manager");
  await camera.shoot("provider aws");
  await dialog.getByRole("combobox", { name: "Secret Manager", exact: true }).selectOption("Kubernetes Secrets");
  await text("Secret Provider ID").fill("1 of mine!");
  await button(dialog, "Add").click();
  await camera.shoot("provider kubernetes wrong");
});

test("deleting", async ({ page }) => {
  const shoot = async (path: string, name: string) => {
    await dashboard.open(path);
    await dashboard.dialog(name);
    await camera.shoot(`delete ${name}`);
  };
  await shoot(`${GROUP}/secret-providers`, "Delete my-vault");
  await shoot(ALICE, "Delete primary-key");
  await shoot(ALICE, "Delete");
  await shoot(LONG, "Delete");
  await shoot(busy.plugins, "Remove Key Auth");
  await leave(page);
});

test("editing", async () => {
  await dashboard.open(LONG);
  await dashboard.dialog("Edit");
  await camera.shoot("edit consumer");
  await dashboard.open(BOB);
  await dashboard.dialog("Edit typed-key");
  await camera.shoot("edit credential typed in");
  await dashboard.open(BOB);
  const dialog = await dashboard.dialog("Add Key Authentication Credential");
  await dialog.getByRole("textbox", { name: "Name", exact: true }).fill("typed-key");
  const key = dialog.getByRole("group", { name: "Key", exact: true });
  await key.getByLabel("Key", { exact: true }).fill(ALICE_KEY);
  await camera.shoot("credential looks like a reference");
  await key.getByLabel("Key", { exact: true }).fill("bobs-typed-key-0001");
  await button(dialog, "Add").click();
  await expect(dialog.getByRole("group", { name: "What needs mending" })).toBeVisible();
  await camera.shoot("credential refused");
});

test("notes and focus", async ({ page }) => {
  await dashboard.open(MY_VAULT);
  await button(page, "Refresh now").click();
  await expect(page.locator(".toast").first()).toBeVisible();
  await camera.shoot("toast");
  await dashboard.open(`${GROUP}/consumers`);
  for (const times of [1, 3, 12]) {
    for (let pressed = 0; pressed < times; pressed += 1) await page.keyboard.press("Tab");
    await camera.shoot(`focus ${times}`);
  }
  await dashboard.open(`${GROUP}/secret-providers`);
  await page.setViewportSize({ width: 390, height: 900 });
  await button(page, "Menu").click();
  await camera.shoot("menu");
});

test("editor", async ({ page }) => {
  async function openEditor() {
    await dashboard.open(busy.plugins);
    return jsonEditor(await dashboard.dialog("Edit Limit Count"));
  }
  let editor = await openEditor();
  await expect(editor.marks).toHaveText(["Not found", "Resolved"]);
  await editor.textbox.getByText('"redis_host"').click();
  await camera.shoot("editor");
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 900 });
    editor = await openEditor();
    await editor.textbox.getByText('"redis"').click();
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    await page.keyboard.type('"r');
    await expect(editor.dialog.getByRole("listbox")).toBeVisible();
    await camera.shootHere(`editor completing ${width}`);
    editor = await openEditor();
    await editor.textbox.fill('{"redis_password": "$secret://vault/my-vault/consumer/alice/"}');
    await editor.textbox.getByText("alice").click();
    await page.keyboard.press("End");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Control+Space");
    await expect(editor.dialog.getByRole("listbox")).toBeVisible();
    await camera.shootHere(`editor completing a reference ${width}`);
  }
  await camera.wide();
  editor = await openEditor();
  await editor.textbox.fill(LIMIT_COUNT.replace("time_window", "time_windw").replace("6379", "70000"));
  await button(editor.dialog, "Save").click();
  await expect(editor.wrong.filter({ hasText: "time_windw" })).toBeVisible();
  await camera.shoot("editor wrong");
  editor = await openEditor();
  await button(editor.dialog, "Reference from Secret Provider").click();
  await camera.shoot("editor inserting");
});
