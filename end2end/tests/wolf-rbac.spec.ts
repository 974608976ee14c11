// Wolf RBAC: users sign in at the gateway's own endpoint, a Wolf server says what they may do, and which application a
// consumer is stays in Vault.
import { neverShown } from "../support/canary";
import { Dashboard } from "../support/dashboard";
import { send } from "../support/http";
import { expect, freshWorld, test } from "../support/test";
import { addVault } from "../support/tutorial";
import { Wolf } from "../support/wolf";

const world = freshWorld();
const SECRET = "api7/consumer/alice";
const LOGIN = "/apisix/plugin/wolf-rbac/login";
const UNKNOWN_APP = "Invalid appid in rbac token";
let wolf: Wolf;
let dashboard: Dashboard;

neverShown(world, "myapp", "alice-pw");

test.beforeAll(async () => {
  wolf = await Wolf.start();
});

test.afterAll(async () => {
  await wolf?.remove();
});

test.beforeEach(({ page }) => {
  dashboard = new Dashboard(page, world.postern.dashboard);
});

interface Said {
  status: number;
  message?: string;
  reason?: string;
  rbac_token?: string;
}

/** Signs in as users do; what the gateway says. */
async function login(username: string, appid: string, password = `${username}-pw`): Promise<Said> {
  const headers = { "Content-Type": "application/json" };
  const answer = await send("POST", world.postern.gateway + LOGIN, headers, JSON.stringify({ appid, username, password }));
  return { status: answer.status, ...(JSON.parse(answer.body) as object) };
}

/** Status and message for a request with this token. */
async function asked(path: string, token?: string): Promise<Said> {
  const answer = await world.postern.ask(path, token === undefined ? {} : { Authorization: token });
  return { status: answer.status, message: (JSON.parse(answer.body) as { message?: string }).message };
}

async function token(username: string, appid: string): Promise<string> {
  const { rbac_token } = await login(username, appid);
  expect(rbac_token, `${username} signs in at ${appid}`).toMatch(new RegExp(`^V1#${appid}#`));
  return rbac_token!;
}

test("a consumer is an application of Wolf by reference, and mistakes are refused where they stand", async ({ page }) => {
  await world.bao.put(SECRET, { appid: "myapp" });
  await addVault(world, dashboard);
  await dashboard.addConsumer("Alice");
  await dashboard.openConsumerPlugins("Alice");
  const appid = "$secret://vault/my-vault/consumer/alice/appid";
  const typed = (changes: object) => JSON.stringify({ appid, server: wolf.url, ...changes });
  await dashboard.enablePlugin("Wolf RBAC", typed({}), [
    { typed: typed({ appid: undefined }), says: "wolf-rbac needs appid" },
    { typed: typed({ appid: ` ${appid}` }), says: "appid: " },
    { typed: typed({ server: appid }), says: "not resolved in this field" },
    { typed: typed({ header_prefx: "X-" }), says: "header_prefix" },
  ]);
  await expect(page.getByRole("list", { name: "References of Wolf RBAC" })).toContainText("Resolved");
});

test("two routes ask Wolf, and a third is where users sign in", async () => {
  await dashboard.addEchoService("httpbin");
  for (const [name, path, plugin] of [
    ["ip", "/ip", "Wolf RBAC"],
    ["admin", "/admin", "Wolf RBAC"],
    ["sign-in", LOGIN, "Public API"],
  ]) {
    await dashboard.openService("httpbin");
    await dashboard.addRoute(name, path);
    await dashboard.openRoute("httpbin", name);
    await dashboard.enablePlugin(plugin, "{}");
  }
  await expect.poll(() => asked("/ip")).toEqual({ status: 401, message: "Missing rbac token in request" });
});

test("who signs in goes where Wolf lets them, and nowhere else", async () => {
  for (const [said, status, expected] of [
    [await login("alice", "myapp", "wrong"), 200, { reason: "ERR_PASSWORD_ERROR" }],
    [await login("carol", "myapp"), 200, { reason: "ERR_USER_APPIDS" }],
    [await login("alice", "nonsense"), 400, { message: "appid not found" }],
    [await login("alice", "other"), 400, { message: "appid not found" }],
    [await login("alice", ""), 400, { message: "appid is missing" }],
  ] as const) {
    expect(said).toMatchObject({ status, ...expected });
    expect(said.rbac_token).toBeUndefined();
  }

  const [alice, bob] = [await token("alice", "myapp"), await token("bob", "myapp")];
  for (const [path, sent, status, message] of [
    ["/ip", alice, 200, undefined],
    ["/admin", alice, 403, "resource '/admin' refused (DENY_ALL)"],
    ["/ip", bob, 403, "resource '/ip' refused (P1)"],
    ["/ip", `${alice}x`, 401, "ERR_TOKEN_INVALID"],
    ["/ip", alice.replace("myapp", "other"), 401, UNKNOWN_APP],
    ["/ip", alice.replace("myapp", "$secret://vault/my-vault/consumer/alice/appid"), 401, UNKNOWN_APP],
    ["/ip", "V1#myapp", 401, "invalid rbac token: parse failed"],
  ] as const) {
    expect(await asked(path, sent), `${path} with ${sent}`).toEqual({ status, message });
  }
});

test("another appid in Vault makes the consumer another application, and none makes it nobody's", async ({ page }) => {
  const alice = await token("alice", "myapp");
  await world.bao.put(SECRET, { appid: "other" });
  await dashboard.refresh();
  await expect.poll(() => asked("/ip", alice)).toEqual({ status: 401, message: UNKNOWN_APP });
  const carol = await token("carol", "other");
  expect(await asked("/ip", carol)).toEqual({ status: 200 });

  await world.bao.put(SECRET, { key: "x" });
  await dashboard.refresh();
  await expect.poll(async () => (await asked("/ip", carol)).status).toBe(401);
  expect((await login("carol", "other")).status).toBe(400);
  await dashboard.openConsumerPlugins("Alice");
  await expect(page.getByRole("list", { name: "References of Wolf RBAC" })).toContainText("Key missing");

  await world.bao.put(SECRET, { appid: "myapp" });
  await dashboard.refresh();
  await expect.poll(() => asked("/ip", alice)).toEqual({ status: 200 });
});

test("without Wolf nobody passes", async () => {
  const alice = await token("alice", "myapp");
  await wolf.remove();
  const failed = { status: 500, message: "request to wolf-server failed, err:no answer" };
  expect(await asked("/ip", alice)).toEqual(failed);
  expect((await login("alice", "myapp")).status).toBe(500);
});
