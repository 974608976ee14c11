// A gateway group with much in it, and much of it wrong: every state that a reference can be in, names as long as they
// may be, a consumer with many labels and credentials.
import { SecretsManager } from "./aws";
import { ALICE_KEY, Dashboard } from "./dashboard";
import { OpenBao } from "./openbao";
import { ALICE, Place } from "./places";
import { expect, World } from "./test";
import { followTutorial } from "./tutorial";

export const LONG_CONSUMER = "reporting_of_the_warehouse_in_northern_europe_production";
export const LONG_PROVIDER = "vault-of-the-payments-team-in-production-europe-west-1";
const DESCRIPTION =
  "Reads the stock of every warehouse each night, for the reports that finance gets in the morning; owned by the team " +
  "Warehouse Data, which is on call.";
const LABELS: [string, string][] = [
  ["team", "warehouse-data"],
  ["environment", "production"],
  ["region", "europe-north-1"],
  ["cost-center", "4711-logistics-and-warehouses"],
  ["contact", "warehouse-data-on-call"],
  ["tier", "gold"],
];

const GROUP = "/g/default";
export const BOB = `${GROUP}/consumers/Bob/credentials/key-auth`;
export const LONG = `${GROUP}/consumers/${LONG_CONSUMER}/credentials/key-auth`;
export const providerPage = (slug: string) => `${GROUP}/secret-providers/${slug}`;

/** The pages that are worth a look beside every other. */
export const busyPages: Place[] = [
  { name: "reasons", path: `${GROUP}/reasons` },
  { name: "not found", path: `${GROUP}/no-such-page` },
  { name: "no such consumer", path: `${GROUP}/consumers/Nobody/credentials/key-auth` },
  { name: "consumer basic", path: ALICE.replace("key-auth", "basic-auth") },
  { name: "consumer jwt", path: ALICE.replace("key-auth", "jwt-auth") },
  { name: "consumer hmac", path: ALICE.replace("key-auth", "hmac-auth") },
  { name: "consumer duplicate", path: BOB },
  { name: "consumer long", path: LONG },
  { name: "secret provider aws", path: providerPage("aws/my-secrets-manager") },
  { name: "secret provider long", path: providerPage(`vault/${LONG_PROVIDER}`) },
  { name: "secret provider denied", path: providerPage("vault/denied-vault") },
];

// One reference that resolves, and one that does not.
export const LIMIT_COUNT = `{
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

/** The servers that are busy with it, and where its plugins are. */
export interface BusyWorld {
  aws: SecretsManager;
  away: OpenBao;
  plugins: string;
}

export async function makeBusy(world: World, dashboard: Dashboard): Promise<BusyWorld> {
  const [aws, away] = await Promise.all([SecretsManager.start(), OpenBao.start()]);
  await followTutorial(world, dashboard);
  await addProviders(world, dashboard, aws, away);
  await addAlicesOthers(world, dashboard);
  await addBob(dashboard, away);
  await addLong(dashboard);
  await dashboard.openService("httpbin");
  await dashboard.enablePlugin("Limit Count", LIMIT_COUNT);
  const plugins = new URL(dashboard.page.url()).pathname.replace(/(\/plugins)?$/, "/plugins");
  return { aws, away, plugins };
}

export async function endBusy(busy: BusyWorld | undefined) {
  await Promise.all([busy?.aws.remove(), busy?.away.remove()]);
}

async function addProviders(world: World, dashboard: Dashboard, aws: SecretsManager, away: OpenBao) {
  const vault = { kvVersion: "KV version 2", prefix: "secret/api7" } as const;
  const nobody = await world.bao.createToken("nothing");
  await dashboard.addProvider({ ...vault, id: LONG_PROVIDER, url: "http://127.0.0.1:9", token: "unused-token" });
  await dashboard.addProvider({ ...vault, id: "denied-vault", url: world.bao.url, token: nobody });
  await away.put("api7/consumer/bob", { key: "bob-key" });
  await dashboard.addProvider({ ...vault, id: "away-vault", url: away.url, token: away.readToken });
  await dashboard.addSecretsManager("my-secrets-manager", aws.url, aws.key("lister"));
}

/** A credential of each other type, and of each state. */
async function addAlicesOthers(world: World, dashboard: Dashboard) {
  const { page } = dashboard;
  await world.bao.patch("api7/consumer/alice", { password: "alice-password", "secret-key": "alice-secret-key" });
  await dashboard.openConsumer("Alice");
  await dashboard.addKeyByReference("another-key", "$secret://vault/my-vault/consumer/alice/primary_key");
  await dashboard.addKeyByReference("key-of-bobby", "$secret://vault/my-vault/consumer/bobby/key");
  await dashboard.addKeyByReference("denied-key", "$secret://vault/denied-vault/consumer/alice/key");
  await dashboard.addKeyByReference("payments", `$secret://vault/${LONG_PROVIDER}/services/payments/europe/west/1/settlement/key`);
  await dashboard.addKeyByReference("cloud-key", "$secret://aws/my-secrets-manager/alice-credentials/alice-key-auth");
  await dashboard.addKeyByReference("from-environment", "$env://ALICE_KEY");
  const fill = (name: string, value: string) =>
    page.getByRole("dialog").getByRole("textbox", { name, exact: true }).fill(value);
  const refer = async (group: string, reference: string) => {
    const dialog = page.getByRole("dialog");
    const field = dialog.getByRole("group", { name: group, exact: true });
    await field.getByRole("radio", { name: "Reference from Secret Provider", exact: true }).check();
    await field.getByRole("combobox", { name: group, exact: true }).fill(reference);
    await dashboard.submit(dialog);
  };
  const tab = async (name: string) => {
    await page.getByRole("tab", { name, exact: true }).click();
    await expect(page.getByRole("tab", { name, exact: true })).toHaveAttribute("aria-selected", "true");
  };
  await tab("Basic Authentication");
  await dashboard.dialog("Add Basic Authentication Credential");
  await fill("Name", "primary-basic");
  await fill("Username", "alice");
  await refer("Password", "$secret://vault/my-vault/consumer/alice/password");
  await tab("JWT");
  const dialog = await dashboard.dialog("Add JWT Credential");
  await fill("Name", "primary-jwt");
  await fill("Key", "alice-key");
  await dialog.getByRole("combobox", { name: "Algorithm", exact: true }).selectOption("RS256");
  await refer("Public Key", "$secret://vault/my-vault/consumer/alice/password");
  await tab("HMAC Authentication");
  await dashboard.dialog("Add HMAC Authentication Credential");
  await fill("Name", "primary-hmac");
  await fill("Key ID", "alice-keyid");
  await refer("Secret Key", "$secret://vault/my-vault/consumer/alice/secret-key");
}

/** His key is Alice's as well; the other one was read before its Vault went away. */
async function addBob(dashboard: Dashboard, away: OpenBao) {
  await dashboard.addConsumer("Bob");
  await dashboard.openConsumer("Bob");
  await dashboard.addKeyByReference("borrowed-key", ALICE_KEY);
  await dashboard.addKeyByReference("own-key", "$secret://vault/away-vault/consumer/bob/key");
  await dashboard.addKeyByHand("typed-key", "bobs-typed-key-0001");
  const row = dashboard.page.getByRole("row").filter({ hasText: "own-key" });
  await expect(row).toContainText("Resolved");
  await away.stop();
  await row.getByRole("button", { name: "Check now own-key", exact: true }).click();
  await expect(row).not.toContainText("Resolved");
}

async function addLong(dashboard: Dashboard) {
  await dashboard.go("Consumers");
  const dialog = await dashboard.dialog("Add Consumer");
  await dialog.getByRole("textbox", { name: "Name", exact: true }).fill(LONG_CONSUMER);
  await dialog.getByRole("textbox", { name: "Description", exact: true }).fill(DESCRIPTION);
  await dialog
    .getByRole("textbox", { name: "Labels", exact: true })
    .fill(LABELS.map(([key, value]) => `${key}=${value}`).join("\n"));
  await dashboard.submit(dialog);
  await expect(dashboard.page.getByRole("heading", { level: 1, name: LONG_CONSUMER, exact: true })).toBeVisible();
}
