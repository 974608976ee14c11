// LDAP Auth: a real directory checks the password, and which of its users a consumer is stays in Vault.
import { neverShown } from "../support/canary";
import { Dashboard } from "../support/dashboard";
import { Answer } from "../support/http";
import { Ldap } from "../support/ldap";
import { expect, freshWorld, test } from "../support/test";
import { addVault } from "../support/tutorial";

const world = freshWorld();
const SECRET = "api7/consumer/alice";
const BASE_DN = "ou=users,dc=example,dc=org";
const [FIRST, SECOND] = [`cn=user01,${BASE_DN}`, `cn=user02,${BASE_DN}`];
const INVALID = '{"message":"Invalid user authorization"}';
let ldap: Ldap;
let dashboard: Dashboard;

neverShown(world, FIRST, SECOND, "password1", "pass word:2");

test.beforeAll(async () => {
  ldap = await Ldap.start();
});

test.afterAll(async () => {
  await ldap?.remove();
});

test.beforeEach(({ page }) => {
  dashboard = new Dashboard(page, world.postern.dashboard);
});

const basic = (text: string) => ({ Authorization: `Basic ${Buffer.from(text).toString("base64")}` });

/** A request as whoever `text` (username:password) says. */
function asked(text: string): Promise<Answer> {
  return world.postern.ask("/headers", basic(text));
}

async function expectStatus(status: number, text: string) {
  await expect.poll(async () => (await asked(text)).status, { message: text }).toBe(status);
}

test("a consumer is a user of the directory by reference, and mistakes are refused where they stand", async ({ page }) => {
  await world.bao.put(SECRET, { user_dn: FIRST });
  await addVault(world, dashboard);
  await dashboard.addConsumer("Alice");
  await dashboard.openConsumerPlugins("Alice");
  await dashboard.enablePlugin("LDAP Auth", '{"user_dn": "$secret://vault/my-vault/consumer/alice/user_dn"}', [
    { typed: "{}", says: "user_dn" },
    { typed: '{"user_dn": "user01"}', says: "Each part of a distinguished name is type=value, such as cn=alice." },
    { typed: '{"user_dn": "$SECRET://vault/my-vault/consumer/alice/user_dn"}', says: "$secret://" },
    { typed: '{"user_dn": "cn=user01", "base_dn": "dc=org"}', says: "base_dn" },
  ]);
  await expect(page.getByRole("list", { name: "References of LDAP Auth" })).toContainText("Resolved");
});

test("the plugin is enabled on a route, with its mistakes first", async ({ page }) => {
  await dashboard.addEchoService("httpbin");
  await dashboard.openService("httpbin");
  await dashboard.addRoute("headers", "/headers");
  expect((await asked("user01:nonsense")).status).toBe(200);
  await dashboard.openRoute("httpbin", "headers");
  const config = { base_dn: BASE_DN, ldap_uri: `127.0.0.1:${ldap.port}` };
  const typed = (changes: object) => JSON.stringify({ ...config, ...changes });
  await dashboard.enablePlugin("LDAP Auth", typed({}), [
    { typed: typed({ base_dn: undefined }), says: "ldap-auth needs base_dn" },
    { typed: typed({ ldap_uri: "ldap://127.0.0.1" }), says: "ldap_uri: " },
    { typed: typed({ base_dn: "$secret://vault/my-vault/ldap/base" }), says: "not resolved in this field" },
  ]);
  await expect(page.getByRole("row").filter({ hasText: "LDAP Auth" })).toBeVisible();
});

test("only the directory's password opens the gateway", async () => {
  await expectStatus(200, "user01:password1");
  const seen = JSON.parse((await asked("user01:password1")).body) as { headers: Record<string, string> };
  expect(seen.headers["X-Consumer-Username"]).toBe("Alice");
  for (const wrong of ["user01:password2", "user01:", "user01:PASSWORD1", `user01:${FIRST}`, "user03:password1", "*:password1"]) {
    const answer = await asked(wrong);
    expect([answer.status, answer.body.trim()], wrong).toEqual([401, INVALID]);
    expect(answer.headers["www-authenticate"]).toBe('Basic realm="ldap"');
  }
  // In the directory, but no consumer's.
  expect((await asked("user02:pass word:2")).status).toBe(401);
  for (const [headers, message] of [
    [{}, "Missing authorization in request"],
    [{ Authorization: "Bearer x" }, "Invalid authorization in request"],
  ] as const) {
    const answer = await world.postern.ask("/headers", headers);
    expect([answer.status, answer.body.trim()]).toEqual([401, JSON.stringify({ message })]);
  }
});

test("another user_dn in Vault makes another user the consumer, and none makes it nobody", async ({ page }) => {
  await world.bao.put(SECRET, { user_dn: SECOND });
  await dashboard.refresh();
  await expectStatus(200, "user02:pass word:2");
  await expectStatus(401, "user01:password1");

  await world.bao.put(SECRET, { other: "x" });
  await dashboard.refresh();
  await expectStatus(401, "user02:pass word:2");
  await dashboard.openConsumerPlugins("Alice");
  await expect(page.getByRole("list", { name: "References of LDAP Auth" })).toContainText("Key missing");
  await world.bao.put(SECRET, { user_dn: FIRST });
  await dashboard.refresh();
  await expectStatus(200, "user01:password1");
});

test("while the directory is away nobody passes, and when it is back nothing has to be done", async () => {
  await ldap.stop();
  await expectStatus(503, "user01:password1");
  expect((await asked("user01:")).status).toBe(401);
  await ldap.up();
  await expectStatus(200, "user01:password1");
  await expectStatus(401, "user01:password2");
});
