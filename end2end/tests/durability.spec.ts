// What was acknowledged is there after a restart, an orderly one or not.
import { Page, Request } from "@playwright/test";
import { ALICE_KEY, Dashboard } from "../support/dashboard";
import { get, send } from "../support/http";
import { expect, freshWorld, leave, test } from "../support/test";
import { followTutorial } from "../support/tutorial";

const world = freshWorld();
let dashboard: Dashboard;

test.beforeEach(({ page }) => {
  dashboard = new Dashboard(page, world.postern.dashboard);
});

test("a restart loses nothing", async ({ page }) => {
  await followTutorial(world, dashboard);
  await leave(page);
  await world.postern.restart();

  await expect.poll(async () => (await world.postern.request("/ip", "alice-primary-key")).status).toBe(200);
  expect((await world.postern.request("/ip")).status).toBe(401);
  await dashboard.openConsumer("Alice");
  await expect(page.getByRole("row").filter({ hasText: "primary-key" })).toContainText(ALICE_KEY);
});

test("a gateway that starts without Vault goes on with what it last read, says so, and recovers alone", async ({
  page,
}) => {
  await leave(page);
  await world.postern.stop();
  await world.bao.stop();
  await world.postern.up();
  expect((await world.postern.request("/ip", "alice-primary-key")).status).toBe(200);
  expect((await world.postern.request("/ip", ALICE_KEY)).status).toBe(401);
  await dashboard.openConsumer("Alice");
  await expect(page.getByRole("row").filter({ hasText: "primary-key" })).toContainText("Stale");
  await leave(page);

  await world.bao.up();
  await world.bao.put("api7/consumer/alice", { key: "alice-primary-key" });
  await expect
    .poll(async () => (await world.postern.request("/ip", "alice-primary-key")).status, { timeout: 60_000 })
    .toBe(200);
});

/** The request the dashboard sends to add the consumer `name`. */
async function recordAddConsumer(page: Page, name: string): Promise<Request> {
  const recorded = page.waitForRequest(
    (request) => request.method() === "POST" && (request.postData() ?? "").includes(name),
  );
  await dashboard.addConsumer(name);
  return recorded;
}

test("kill -9 while saving loses nothing that was acknowledged", async ({ page }) => {
  test.setTimeout(180_000);
  const recorded = await recordAddConsumer(page, "template-consumer");
  const headers = await recorded.allHeaders();
  const body = recorded.postData() ?? "";
  await leave(page);

  const acknowledged: string[] = [];
  let next = 0;
  /** Adds one consumer after the other until the server is gone. */
  async function saveUntilKilled() {
    for (;;) {
      const name = `saved-${next++}`;
      const sent = body.replaceAll("template-consumer", name);
      const length = { "content-length": String(Buffer.byteLength(sent)) };
      const plain = Object.fromEntries(Object.entries(headers).filter(([header]) => !header.startsWith(":")));
      try {
        const answer = await send("POST", recorded.url(), { ...plain, ...length }, sent);
        expect(answer.status, answer.body).toBeLessThan(400);
        acknowledged.push(name);
      } catch (error) {
        if (error instanceof Error && "code" in error) return; // the connection broke: not acknowledged
        throw error;
      }
    }
  }

  for (let round = 1; round <= 5; round++) {
    const before = acknowledged.length;
    const savers = [saveUntilKilled(), saveUntilKilled(), saveUntilKilled()];
    await expect.poll(() => acknowledged.length, { intervals: [1] }).toBeGreaterThan(before + 7 * round);
    await world.postern.kill();
    await Promise.all(savers);
    await world.postern.up();
  }

  for (const name of acknowledged) {
    const answer = await get(`${world.postern.dashboard}/g/default/consumers/${name}/credentials/key-auth`);
    expect(answer.status, `consumer ${name} of ${acknowledged.length}`).toBe(200);
  }
  await expect.poll(async () => (await world.postern.request("/ip", "alice-primary-key")).status).toBe(200);
});
