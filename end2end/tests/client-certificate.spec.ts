// What a service shows to nodes that demand to know who asks.
import { Dashboard } from "../support/dashboard";
import { get } from "../support/http";
import { Authority, Identity, Nginx } from "../support/nginx";
import { expect, freshWorld, test } from "../support/test";
import { addVault } from "../support/tutorial";

const world = freshWorld();

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

  const refreshed = async (identity: Identity) => {
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
