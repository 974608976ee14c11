// The tutorial's end state, for specs that start where it stops.
import { ALICE_KEY, Dashboard } from "./dashboard";
import { expect, World } from "./test";

/** The provider my-vault: the test's OpenBao. */
export async function addVault(world: World, dashboard: Dashboard, prefix = "secret/api7") {
  await dashboard.addProvider({
    id: "my-vault",
    kvVersion: "KV version 2",
    url: world.bao.url,
    prefix,
    token: world.bao.readToken,
  });
}

/** Provider, consumer, credential by reference to `key`, service, route and key-auth. */
export async function followTutorial(world: World, dashboard: Dashboard, key = "alice-primary-key") {
  await world.bao.put("api7/consumer/alice", { key });
  await addVault(world, dashboard);
  await dashboard.addConsumer("Alice");
  await dashboard.openConsumer("Alice");
  await dashboard.addKeyByReference("primary-key", ALICE_KEY);
  await dashboard.addEchoService("httpbin");
  await dashboard.openService("httpbin");
  await dashboard.addRoute("ip", "/ip");
  await dashboard.enablePlugin("Key Auth", "{}");
  await expect.poll(async () => (await world.postern.request("/ip")).status).toBe(401);
  await expect.poll(async () => (await world.postern.request("/ip", key)).status).toBe(200);
}
