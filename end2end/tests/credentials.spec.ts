// All four kinds of credentials by the steps of both tutorials, then requests
// signed and sent as clients do: only the right value opens the gateway.
import { execFile } from "node:child_process";
import { createHmac, sign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { SecretsManager } from "../support/aws";
import { neverShown } from "../support/canary";
import { Dashboard } from "../support/dashboard";
import { send } from "../support/http";
import { expect, freshWorld, test } from "../support/test";
import { addVault } from "../support/tutorial";

const world = freshWorld();
const folder = mkdtempSync(join(tmpdir(), "postern-e2e-keys-"));
let aws: SecretsManager;
let dashboard: Dashboard;

neverShown(world, "alice-password", "alicia-password", "alice-secret", "alicia-secret", "typed-password", "second-secret", "second-password");

interface Tutorial {
  consumer: string;
  prefix: string;
  key: string;
  names: { key: string };
}

/** Both tutorials, made to fit beside each other: each has a consumer of its own. */
const TUTORIALS: Record<"vault" | "aws", Tutorial> = {
  vault: {
    consumer: "Alice",
    prefix: "$secret://vault/my-vault/consumer/alice",
    key: "alice-primary-key",
    names: { key: "key" },
  },
  aws: {
    consumer: "Alicia",
    prefix: "$secret://aws/my-secrets-manager/alice-credentials",
    key: "alice-key",
    names: { key: "alice-key-auth" },
  },
};

test.beforeAll(async () => {
  aws = await SecretsManager.start();
});

test.afterAll(async () => {
  await aws?.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** What clients that nobody here wrote are answered: support/interop.py. */
async function interop(...args: string[]): Promise<string> {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  const python = process.env.POSTERN_PYTHON ?? join(cache, "postern/venv/bin/python3");
  const script = resolve(__dirname, "../support/interop.py");
  return (await promisify(execFile)(python, [script, ...args])).stdout.trim();
}

test.beforeEach(({ page }) => {
  dashboard = new Dashboard(page, world.postern.dashboard);
});

async function status(path: string, headers: Record<string, string>): Promise<number> {
  return (await send("GET", world.postern.gateway + path, headers)).status;
}

async function expectStatus(expected: number, path: string, headers: Record<string, string>) {
  await expect.poll(() => status(path, headers), { message: `${path} ${JSON.stringify(headers)}` }).toBe(expected);
}

const base64url = (text: string) => Buffer.from(text).toString("base64url");

function jwt(key: string, secret: string, claims: object = {}, algorithm = "HS256"): string {
  const signed = `${base64url(JSON.stringify({ alg: algorithm }))}.${base64url(JSON.stringify({ key, ...claims }))}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** A token of the owner of private.pem. */
function signedByPair(key: string): string {
  const signed = `${base64url(JSON.stringify({ alg: "ES256" }))}.${base64url(JSON.stringify({ key }))}`;
  const pair = { key: readFileSync(join(folder, "private.pem"), "utf8"), dsaEncoding: "ieee-p1363" } as const;
  return `${signed}.${sign("sha256", Buffer.from(signed), pair).toString("base64url")}`;
}

/** Another value in Vault, which is read at once. */
async function rotate(keys: Record<string, string>) {
  await world.bao.patch("api7/consumer/alice", keys);
  await dashboard.refresh();
}

function signature(keyId: string, secret: string, date: string, target: string): Record<string, string> {
  const text = `${keyId}\nGET ${target}\ndate: ${date}\n`;
  const value = createHmac("sha256", secret).update(text).digest("base64");
  const names = "@request-target date";
  return {
    Date: date,
    Authorization: `Signature keyId="${keyId}",algorithm="hmac-sha256",headers="${names}",signature="${value}"`,
  };
}

const basic = (text: string) => ({ Authorization: `Basic ${Buffer.from(text).toString("base64")}` });

test("both secret managers hold what the tutorials put there", async ({ page }) => {
  await world.bao.put("api7/consumer/alice", {
    key: "alice-primary-key",
    password: "alice-password",
    secret: "alice-secret",
    "secret-key": "alice-secret-key",
  });
  await aws.put("alice-credentials", {
    "alice-key-auth": "alice-key",
    password: "alicia-password",
    secret: "alicia-secret",
    "secret-key": "alicia-secret-key",
  });
  await addVault(world, dashboard);
  await dashboard.addSecretsManager("my-secrets-manager", aws.url, aws.key("lister"));
  await expect(page.getByRole("row").filter({ hasText: "my-secrets-manager" })).toBeVisible();
});

for (const [manager, tutorial] of Object.entries(TUTORIALS)) {
  const owner = tutorial.consumer.toLowerCase();

  test(`${manager}: one consumer gets a credential of each type by reference`, async ({ page }) => {
    await dashboard.addConsumer(tutorial.consumer);
    await dashboard.openConsumer(tutorial.consumer);
    const reference = async (group: string, name: string) => {
      const dialog = page.getByRole("dialog");
      const field = dialog.getByRole("group", { name: group, exact: true });
      await field.getByRole("radio", { name: "Reference from Secret Provider", exact: true }).check();
      await field.getByRole("combobox", { name: group, exact: true }).fill(`${tutorial.prefix}/${name}`);
      await dashboard.submit(dialog);
    };
    const fill = (name: string, value: string) =>
      page.getByRole("dialog").getByRole("textbox", { name, exact: true }).fill(value);
    const tab = async (name: string) => {
      await page.getByRole("tab", { name, exact: true }).click();
      await expect(page.getByRole("tab", { name, exact: true })).toHaveAttribute("aria-selected", "true");
    };
    const row = (name: string) => page.getByRole("row").filter({ hasText: name });

    await dashboard.dialog("Add Key Authentication Credential");
    await fill("Name", "primary-key");
    await reference("Key", tutorial.names.key);
    await expect(row("primary-key")).toContainText("Resolved");

    await tab("Basic Authentication");
    await dashboard.dialog("Add Basic Authentication Credential");
    await fill("Name", "primary-basic");
    await fill("Username", owner);
    await reference("Password", "password");
    await expect(row("primary-basic")).toContainText("Resolved");
    await expect(row("primary-basic")).toContainText(owner);

    await tab("JWT");
    const dialog = await dashboard.dialog("Add JWT Credential");
    await fill("Name", "primary-jwt");
    await fill("Key", `${owner}-key`);
    await dialog.getByRole("combobox", { name: "Algorithm", exact: true }).selectOption("RS256");
    await expect(dialog.getByRole("group", { name: "Public Key", exact: true })).toBeVisible();
    await dialog.getByRole("combobox", { name: "Algorithm", exact: true }).selectOption("HS256");
    await reference("Secret", "secret");
    await expect(row("primary-jwt")).toContainText("Resolved");
    await expect(row("primary-jwt")).toContainText("HS256");

    await tab("HMAC Authentication");
    await dashboard.dialog("Add HMAC Authentication Credential");
    // The Vault tutorial's own slip: the name is free here, names are by type.
    await fill("Name", "primary-jwt");
    await fill("Key ID", `${owner}-keyid`);
    await reference("Secret Key", "secret-key");
    await expect(row("primary-jwt")).toContainText("Resolved");
    await expect(row("primary-jwt")).toContainText(`${owner}-keyid`);
  });
}

test("a public key is typed in, and one of another algorithm refused", async ({ page, complaints }) => {
  complaints.expect(/status of 422/);
  await interop("keys", folder);
  await dashboard.openConsumer("Alice");
  await page.getByRole("tab", { name: "JWT", exact: true }).click();
  const dialog = await dashboard.dialog("Add JWT Credential");
  await dialog.getByRole("textbox", { name: "Name", exact: true }).fill("pair");
  await dialog.getByRole("textbox", { name: "Key", exact: true }).fill("pair-key");
  const algorithm = dialog.getByRole("combobox", { name: "Algorithm", exact: true });
  await algorithm.selectOption("RS256");
  const key = dialog.getByRole("textbox", { name: "Public Key", exact: true });
  await key.fill(readFileSync(join(folder, "public.pem"), "utf8"));
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await expect(dialog).toContainText("The public key is not one for RS256, which needs an RSA key");
  await algorithm.selectOption("ES256");
  await key.fill(readFileSync(join(folder, "public.pem"), "utf8"));
  await dashboard.submit(dialog);
  await expect(page.getByRole("row").filter({ hasText: "pair-key" })).toContainText("ES256");
});

test("a public key by reference is looked at when it is resolved, and says when it is one of another algorithm", async ({ page }) => {
  const key = readFileSync(join(folder, "public.pem"), "utf8");
  await world.bao.patch("api7/consumer/alice", { "public-key": key });
  await dashboard.openConsumer("Alicia");
  await page.getByRole("tab", { name: "JWT", exact: true }).click();
  const row = page.getByRole("row").filter({ hasText: "kept-key" });
  const dialog = await dashboard.dialog("Add JWT Credential");
  await dialog.getByRole("textbox", { name: "Name", exact: true }).fill("kept");
  await dialog.getByRole("textbox", { name: "Key", exact: true }).fill("kept-key");
  await dialog.getByRole("combobox", { name: "Algorithm", exact: true }).selectOption("RS256");
  const group = dialog.getByRole("group", { name: "Public Key", exact: true });
  await group.getByRole("radio", { name: "Reference from Secret Provider", exact: true }).check();
  await group.getByRole("combobox", { name: "Public Key", exact: true }).fill("$secret://vault/my-vault/consumer/alice/public-key");
  await dashboard.submit(dialog);
  const refusal = "The public key is not one for RS256, which needs an RSA key";
  await expect(row).toContainText("Does not fit");
  await expect(row).toContainText(refusal);
  const edit = await dashboard.dialog("Edit kept");
  await edit.getByRole("combobox", { name: "Algorithm", exact: true }).selectOption("ES256");
  await dashboard.submit(edit, "Save");
  await expect(row).toContainText("ES256");
  await expect(row).toContainText("Resolved");
  await expect(row).not.toContainText(refusal);
});

test("a username that is taken is refused where it is typed", async ({ page, complaints }) => {
  complaints.expect(/status of 422/);
  await dashboard.openConsumer("Alicia");
  await page.getByRole("tab", { name: "Basic Authentication", exact: true }).click();
  const dialog = await dashboard.dialog("Add Basic Authentication Credential");
  await dialog.getByRole("textbox", { name: "Name", exact: true }).fill("second");
  await dialog.getByRole("textbox", { name: "Username", exact: true }).fill("alice");
  const password = dialog.getByRole("group", { name: "Password", exact: true });
  await password.getByLabel("Password", { exact: true }).fill("typed-password");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await expect(dialog).toContainText("The credential 'primary-basic' of consumer Alice has this Username already.");
  await dialog.getByRole("textbox", { name: "Username", exact: true }).fill("alicia2");
  await dashboard.submit(dialog);
  await expect(page.getByRole("row").filter({ hasText: "second" })).toContainText("Manually input");
});

test("each type of credential has a service that asks for it", async () => {
  await dashboard.addEchoService("httpbin");
  await dashboard.openService("httpbin");
  await dashboard.addRoute("ip", "/ip");
  await dashboard.addRoute("anything", "/anything");
  await dashboard.enablePlugin("Key Auth", "{}");
  for (const consumer of Object.values(TUTORIALS)) await expectStatus(200, "/ip", { apikey: consumer.key });
  for (const apikey of ["wrong", "alice-password", "$secret://vault/my-vault/consumer/alice/key"]) {
    await expectStatus(401, "/ip", { apikey });
  }
});

async function switchPlugin(page: import("@playwright/test").Page, from: string, to: string) {
  await dashboard.openService("httpbin");
  await dashboard.enablePlugin(to, "{}");
  await page.getByRole("button", { name: `Remove ${from}`, exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox", { name: "Name", exact: true }).fill(from.toLowerCase().replace(" ", "-"));
  await dialog.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(dialog).toBeHidden();
}

test("Basic Auth opens to the password in the secret manager", async ({ page }) => {
  await switchPlugin(page, "Key Auth", "Basic Auth");
  await expectStatus(200, "/ip", basic("alice:alice-password"));
  await expectStatus(200, "/ip", basic("alicia:alicia-password"));
  for (const wrong of ["alice:alicia-password", "alicia:alice-password", "alice:", "Alice:alice-password"]) {
    await expectStatus(401, "/ip", basic(wrong));
  }
  await expectStatus(401, "/ip", { apikey: "alice-primary-key" });
  expect(await interop("basic", world.postern.gateway)).toBe("200 200 401 401");
});

test("JWT Auth opens to a token signed with the secret", async ({ page }) => {
  await switchPlugin(page, "Basic Auth", "JWT Auth");
  await expectStatus(200, "/ip", { Authorization: `Bearer ${jwt("alice-key", "alice-secret")}` });
  await expectStatus(200, `/ip?jwt=${jwt("alicia-key", "alicia-secret")}`, {});
  await expectStatus(200, "/ip", { Authorization: signedByPair("kept-key") });
  for (const wrong of [
    jwt("alice-key", "alicia-secret"),
    jwt("alice-key", "$secret://vault/my-vault/consumer/alice/secret"),
    jwt("alice-key", "alice-secret", { exp: 1 }),
    jwt("alice-key", "alice-secret", {}, "none"),
    jwt("nobody", "alice-secret"),
    // What is public signs nothing.
    jwt("kept-key", readFileSync(join(folder, "public.pem"), "utf8")),
    signedByPair("alice-key"),
  ]) {
    await expectStatus(401, "/ip", { Authorization: wrong });
  }
  expect(await interop("jwt", world.postern.gateway, folder)).toBe("200 200 401 401 200 200 401");
  await rotate({ secret: "second-secret" });
  await expectStatus(200, "/ip", { Authorization: jwt("alice-key", "second-secret") });
  await expectStatus(401, "/ip", { Authorization: jwt("alice-key", "alice-secret") });
});

test("HMAC Auth opens to a request signed with the secret key", async ({ page }) => {
  await switchPlugin(page, "JWT Auth", "HMAC Auth");
  const date = new Date().toUTCString();
  await expectStatus(200, "/ip", signature("alice-keyid", "alice-secret-key", date, "/ip"));
  await expectStatus(200, "/ip?a=1", signature("alicia-keyid", "alicia-secret-key", date, "/ip?a=1"));
  const good = signature("alice-keyid", "alice-secret-key", date, "/ip");
  await expectStatus(401, "/anything", good);
  await expectStatus(401, "/ip", { ...good, Date: new Date(Date.now() + 2000).toUTCString() });
  await expectStatus(401, "/ip", signature("alice-keyid", "alicia-secret-key", date, "/ip"));
  await expectStatus(401, "/ip", signature("alice-keyid", "alice-secret-key", "Fri, 06 Sep 2024 06:41:29 GMT", "/ip"));
  await rotate({ "secret-key": "second-secret-key" });
  await expectStatus(200, "/ip", signature("alice-keyid", "second-secret-key", new Date().toUTCString(), "/ip"));
  await expectStatus(401, "/ip", good);
});

test("a password rotated in Vault replaces the old one", async ({ page }) => {
  await switchPlugin(page, "HMAC Auth", "Basic Auth");
  await rotate({ password: "second-password" });
  await expectStatus(200, "/ip", basic("alice:second-password"));
  await expectStatus(401, "/ip", basic("alice:alice-password"));
});
