// What the gateway shows over TLS and where it sends requests, set in the dashboard.
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, mkdtempSync } from "node:fs";
import { createServer } from "node:http";
import { request } from "node:https";
import { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Dashboard } from "../support/dashboard";
import { get } from "../support/http";
import { Authority, Nginx } from "../support/nginx";
import { expect, freshWorld, test } from "../support/test";
import { addVault } from "../support/tutorial";

const world = freshWorld();

/** A self-signed certificate for `host` and its private key, in PEM. */
function identity(host: string) {
  const folder = mkdtempSync(join(tmpdir(), "postern-e2e-tls-"));
  const [key, certificate] = [join(folder, "key"), join(folder, "certificate")];
  const subject = ["-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`];
  const files = ["-keyout", key, "-out", certificate];
  const command = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  execFileSync("openssl", [...command, ...subject, ...files], { stdio: "ignore" });
  const read = { certificate: readFileSync(certificate, "utf8"), key: readFileSync(key, "utf8") };
  rmSync(folder, { recursive: true });
  return read;
}

/** The status of `https://one.example/path`, for a client that trusts `ca` alone; 0 without a handshake. */
function over(ca: string, path: string): Promise<number> {
  const port = world.postern.tlsPort;
  return new Promise((resolve) => {
    const options = { host: "127.0.0.1", port, path, servername: "one.example", headers: { host: "one.example" }, ca };
    request({ ...options, agent: false }, (answer) => resolve(answer.resume().statusCode ?? 0))
      .on("error", () => resolve(0))
      .end();
  });
}

test("a certificate at the secret manager is shown, rotated without a restart, and an unresolved one refused", async ({
  page,
}) => {
  const dashboard = new Dashboard(page, world.postern.dashboard);
  const [first, second] = [identity("one.example"), identity("one.example")];
  await addVault(world, dashboard, "secret");

  await dashboard.open("/g/default/certificates");
  const dialog = await dashboard.dialog("Add Certificate");
  await dialog.getByRole("textbox", { name: "Name", exact: true }).fill("one");
  await dialog.getByRole("textbox", { name: "Hosts", exact: true }).fill("one.example");
  const certificate = dialog.getByRole("textbox", { name: "Certificate", exact: true });
  await certificate.fill("nonsense");
  await dialog.getByRole("textbox", { name: "Private Key", exact: true }).fill("$secret://vault/my-vault/tls/one/key");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await expect(dialog.getByText("Paste one or more certificates in PEM form").first()).toBeVisible();
  await certificate.fill("$secret://vault/my-vault/tls/one/certificate");
  await dashboard.submit(dialog);

  const row = page.getByRole("row").filter({ hasText: "one.example" });
  await expect(row).toContainText("Refused");
  expect(await over(first.certificate, "/ip")).toBe(0);

  for (const { certificate, key } of [first, second]) {
    await world.bao.put("tls/one", { certificate, key });
    await dashboard.open("/g/default/secret-providers/vault/my-vault");
    await page.getByRole("button", { name: "Refresh now", exact: true }).first().click();
    // No route leads anywhere: the gateway's own 404 says that TLS was spoken.
    await expect.poll(() => over(certificate, "/ip")).toBe(404);
    await dashboard.open("/g/default/certificates");
    await expect(row).toContainText("Shown");
  }
  expect(await over(first.certificate, "/ip"), "the old one is shown no more").toBe(0);
});

test("a service's nodes, health check and host are set in its dialog and kept", async ({ page }) => {
  const hosts: string[] = [];
  const server = createServer((asked, answer) => {
    hosts.push(`${asked.url} ${asked.headers.host}`);
    answer.end("from a node");
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const node = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const dashboard = new Dashboard(page, world.postern.dashboard);
  await dashboard.go("Published Services");
  const dialog = await dashboard.dialog("Add Service");
  await dialog.getByRole("textbox", { name: "Name", exact: true }).fill("nodes");
  await dialog.getByRole("combobox", { name: "Upstream", exact: true }).selectOption("Nodes");
  await dialog.getByRole("textbox", { name: "Nodes", exact: true }).fill(node);
  await dialog.getByRole("combobox", { name: "Load Balancing", exact: true }).selectOption("Least Connections");
  await dialog.getByText("Advanced", { exact: true }).click();
  await dialog.getByRole("combobox", { name: "Pass Host", exact: true }).selectOption("Another host");
  await dialog.getByRole("textbox", { name: "Upstream Host", exact: true }).fill("api.example");
  await dialog.getByRole("textbox", { name: "Active health check: path", exact: true }).fill("/health");
  await dashboard.submit(dialog);

  await expect.poll(() => hosts).toContain("/health api.example");
  await page.getByRole("link", { name: "nodes", exact: true }).click();
  const edit = await dashboard.dialog("Edit");
  await expect(edit.getByRole("combobox", { name: "Load Balancing", exact: true })).toHaveValue("least_conn");
  await expect(edit.getByRole("textbox", { name: "Upstream Host", exact: true })).toHaveValue("api.example");
  await expect(edit.getByRole("textbox", { name: "Active health check: path", exact: true })).toHaveValue("/health");
  server.close();
});

test("a service shows nginx a client certificate from the secret manager, in HTTP/1.1 and HTTP/2, or nothing passes", async ({
  page,
}) => {
  const [authority, strangers] = [new Authority(), new Authority()];
  const nginx = await Nginx.start(authority.issue("IP:127.0.0.1"), authority);
  const dashboard = new Dashboard(page, world.postern.dashboard);
  await addVault(world, dashboard, "secret");
  const asked = () => get(`${world.postern.gateway}/mine`).then(({ status, body }) => `${status} ${body}`);

  await dashboard.go("Published Services");
  const dialog = await dashboard.dialog("Add Service");
  await dialog.getByRole("textbox", { name: "Name", exact: true }).fill("guarded");
  await dialog.getByRole("combobox", { name: "Upstream", exact: true }).selectOption("Nodes");
  await dialog.getByRole("textbox", { name: "Nodes", exact: true }).fill(`127.0.0.1:${nginx.port}`);
  await dialog.getByRole("combobox", { name: "Scheme", exact: true }).selectOption("HTTPS");
  await dialog.getByRole("textbox", { name: "CA Certificate", exact: true }).fill(authority.certificate);
  await dashboard.submit(dialog);
  await dashboard.openService("guarded");
  await dashboard.addRoute("mine", "/mine");
  // nginx speaks for itself where nothing is shown to it.
  await expect.poll(asked).toContain("400 Bad Request");

  await dashboard.open("/g/default/certificates");
  const certificate = await dashboard.dialog("Add Certificate");
  await certificate.getByRole("textbox", { name: "Name", exact: true }).fill("mine");
  const at = (key: string) => `$secret://vault/my-vault/tls/mine/${key}`;
  await certificate.getByRole("textbox", { name: "Certificate", exact: true }).fill(at("certificate"));
  await certificate.getByRole("textbox", { name: "Private Key", exact: true }).fill(at("key"));
  await dashboard.submit(certificate);

  const choose = async (field: string, option: string) => {
    await dashboard.openService("guarded");
    const edit = await dashboard.dialog("Edit");
    await edit.getByRole("combobox", { name: field, exact: true }).selectOption(option);
    await dashboard.submit(edit, "Save");
  };
  await choose("Client Certificate", "mine");
  await expect(page.getByText("Requests are refused")).toBeVisible();
  const refused = await asked();
  const incident = /"incident":"(\w+)"/.exec(refused)?.[1];
  expect(refused, refused).toMatch(/^503 /);
  await expect(page.getByText(`Incident ${incident}.`)).toBeVisible();
  await dashboard.go("References");
  await expect(page.getByText(`refuse requests with incident ${incident}`).first()).toBeVisible();

  const refreshed = async (identity: { certificate: string; key: string }) => {
    await world.bao.put("tls/mine", { ...identity });
    await dashboard.open("/g/default/secret-providers/vault/my-vault");
    await page.getByRole("button", { name: "Refresh now", exact: true }).first().click();
  };
  await refreshed(strangers.issue("DNS:stranger.example"));
  await expect.poll(asked).toContain("400 Bad Request");
  await refreshed(authority.issue("DNS:gateway.example"));
  await expect.poll(asked).toBe("200 HTTP/1.1 SUCCESS CN=gateway.example");
  await choose("Scheme", "gRPCs (HTTP/2 over TLS)");
  await expect.poll(asked).toBe("200 HTTP/2.0 SUCCESS CN=gateway.example");

  await dashboard.open("/g/default/certificates");
  await expect(page.getByRole("row").filter({ hasText: "Client certificate of guarded" })).toBeVisible();
  const gone = await dashboard.dialog("Delete mine");
  await expect(gone.getByText("service guarded")).toBeVisible();
  await expect(gone.getByRole("button", { name: "Delete", exact: true })).toBeDisabled();
  await nginx.remove();
  authority.remove();
  strangers.remove();
});
