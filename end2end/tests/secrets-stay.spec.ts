// A secret goes in and never comes out: not into a page, an answer, a log line or
// the database. Canaries are searched for in everything the process gives away.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { leaks, Seen, Watched } from "../support/canary";
import { Dashboard } from "../support/dashboard";
import { get } from "../support/http";
import { everyPage, MY_VAULT } from "../support/places";
import { expect, freshWorld, leave, test } from "../support/test";
import { followTutorial } from "../support/tutorial";

const world = freshWorld();
const BOB = "/g/default/consumers/Bob/credentials/key-auth";
// Not the tutorial's own value: the overview names that one in its curl command.
const VAULT_KEY = "vault-canary-c03e6f";
const LITERAL_KEY = "literal-canary-7d41c2";
const ROTATED_KEY = "rotated-canary-58ab90";

function everyFile(folder: string): Seen[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ where: file, text: readFileSync(file, "latin1") }));
}

async function everyPath(): Promise<string[]> {
  return [...(await everyPage(world.postern.dashboard)).map((place) => place.path), BOB];
}

test("no secret is given back, printed or stored in the clear", async ({ page, context }) => {
  test.setTimeout(180_000);
  const dashboard = new Dashboard(page, world.postern.dashboard);
  const secrets = [world.bao.readToken, VAULT_KEY, ROTATED_KEY, LITERAL_KEY];

  const watched = new Watched(context);
  await followTutorial(world, dashboard, VAULT_KEY);
  await dashboard.addConsumer("Bob");
  await dashboard.openConsumer("Bob");
  await dashboard.addKeyByHand("by-hand", LITERAL_KEY);
  await expect.poll(async () => (await world.postern.request("/ip", LITERAL_KEY)).status).toBe(200);

  // Every way of looking at what was entered.
  await dashboard.open(MY_VAULT);
  const edit = await dashboard.dialog("Edit");
  await expect(edit.getByLabel("Token", { exact: true })).toHaveValue("");
  await edit.getByRole("button", { name: "Test Connection", exact: true }).click();
  await expect(edit.getByRole("status")).toContainText("The secret provider works");
  await world.bao.put("api7/consumer/alice", { key: ROTATED_KEY });
  await dashboard.open(MY_VAULT);
  await page.getByRole("button", { name: "Refresh now", exact: true }).click();
  await expect.poll(async () => (await world.postern.request("/ip", ROTATED_KEY)).status).toBe(200);
  await world.postern.request("/ip", `${LITERAL_KEY}-nearly`);
  for (const path of await everyPath()) await dashboard.open(path);
  const sent = await watched.everything();

  const rendered: Seen[] = [];
  for (const path of [...(await everyPath()), "/healthz", "/readyz", "/metrics"]) {
    rendered.push({ where: path, text: (await get(world.postern.dashboard + path)).body });
  }
  await leave(page);
  // While it runs (with the write-ahead log) and after it has put everything away.
  const running = everyFile(world.postern.dataDir);
  await world.postern.stop();
  const everything = [
    ...sent,
    ...rendered,
    ...running,
    ...everyFile(world.postern.dataDir),
    { where: "the log", text: world.postern.logText() },
  ];
  expect(sent.length).toBeGreaterThan(20);
  expect(running.length).toBeGreaterThan(0);

  expect(leaks(everything, secrets)).toEqual([]);
});
