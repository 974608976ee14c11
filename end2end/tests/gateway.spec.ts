// What the gateway shows over TLS and where it sends requests, set in the dashboard.
import { createServer } from "node:http";
import { request } from "node:https";
import { AddressInfo } from "node:net";
import { Dashboard } from "../support/dashboard";
import { expect, freshWorld, test } from "../support/test";
import { identity } from "../support/tls";
import { addVault } from "../support/tutorial";

const world = freshWorld();

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
  const [first, second] = [identity("DNS:one.example"), identity("DNS:one.example")];
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
