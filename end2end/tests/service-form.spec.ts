// Each field of the Service dialog: what is typed there, and what the gateway then does; or what the dialog says.
import { Locator } from "@playwright/test";
import { Dashboard } from "../support/dashboard";
import { get } from "../support/http";
import { freePort } from "../support/process";
import { expect, freshWorld, test } from "../support/test";
import { identity } from "../support/tls";
import { Deaf, Upstream } from "../support/upstream";

// With one worker, servers take turns exactly.
const world = freshWorld("--gateway-workers", "1");
const tls = identity("IP:127.0.0.1");
const HOST = "asked.example";
/** How the dialog names its fields. */
const PASSIVE = "Passive health check: unhealthy after";
const REST = "Passive health check: rest (seconds)";
const CHECK = "Active health check: path";
const INTERVAL = "Active health check: interval (seconds)";
const HEALTHY = "Active health check: healthy after";
const UNHEALTHY = "Active health check: unhealthy after";
const CONNECT = "Connect timeout (seconds)";
const READ = "Read timeout (seconds)";
const RETRY = "Retry timeout (seconds)";
let one: Upstream;
let two: Upstream;
let silent: Upstream;
let encrypted: Upstream;
let deaf: Deaf;
let dead: { node: string };
let dashboard: Dashboard;

type Fields = Record<string, string>;
/** How often each answer was given. */
type Tally = Record<string, number>;

/** As the dialog has them for a new service. */
const USUAL: Fields = {
  "Load Balancing": "Round Robin",
  Scheme: "HTTP",
  "Pass Host": "The client's Host",
  Retries: "",
  [RETRY]: "",
  [CONNECT]: "",
  [READ]: "",
  [CHECK]: "",
  [INTERVAL]: "5",
  [HEALTHY]: "2",
  [UNHEALTHY]: "3",
  [PASSIVE]: "",
  [REST]: "10",
};

test.beforeAll(async () => {
  [one, two] = [await Upstream.start("one"), await Upstream.start("two")];
  silent = await Upstream.start("silent", () => {});
  encrypted = await Upstream.start("encrypted", undefined, tls);
  deaf = await Deaf.start();
  dead = { node: `127.0.0.1:${await freePort()}` };
});

test.afterAll(async () => {
  for (const server of [one, two, silent, encrypted]) server?.stop();
  await deaf?.stop();
});

test.beforeEach(({ page }) => {
  dashboard = new Dashboard(page, world.postern.dashboard);
});

const lines = (...nodes: [{ node: string }, number][]) => nodes.map(([{ node }, weight]) => `${node} ${weight}`).join("\n");

async function fill(dialog: Locator, fields: Fields) {
  for (const [label, value] of Object.entries(fields)) {
    const field = dialog.getByLabel(label, { exact: true });
    if ((await field.evaluate((element) => element.tagName)) === "SELECT") await field.selectOption({ label: value });
    else await field.fill(value);
  }
}

async function expectFields(dialog: Locator, fields: Fields) {
  for (const [label, value] of Object.entries(fields)) {
    const field = dialog.getByLabel(label, { exact: true });
    const chosen = field.locator("option:checked");
    if (await chosen.count()) await expect(chosen, label).toHaveText(value);
    else await expect(field, label).toHaveValue(value);
  }
}

let saved: Fields = {};

/** The service has these fields from now on, and the usual ones besides; those set before are found as they were saved. */
async function save(fields: Fields) {
  const dialog = await dashboard.dialog("Edit");
  await advanced(dialog);
  await expectFields(dialog, saved);
  const usual = Object.entries(USUAL).filter(([label]) => label in saved);
  await fill(dialog, { ...Object.fromEntries(usual), ...fields });
  saved = fields;
  await dashboard.submit(dialog, "Save");
}

/** Opens what few need, unless something in it is set. */
async function advanced(dialog: Locator) {
  const inside = dialog.getByLabel("Retries", { exact: true });
  if (!(await inside.isVisible())) await dialog.getByText("Advanced", { exact: true }).click();
  await expect(inside).toBeVisible();
}

const answered = () => get(`${world.postern.gateway}/`, { Host: HOST });

/** Asks so often, one after another: who answered, or with what status. */
async function tally(times: number, by: "name" | "host" = "name"): Promise<Tally> {
  const counted: Tally = {};
  for (let n = 0; n < times; n++) {
    const { status, body } = await answered();
    const what = status === 200 ? (JSON.parse(body) as Record<string, string>)[by] : String(status);
    counted[what] = (counted[what] ?? 0) + 1;
  }
  return counted;
}

test("a service is added with its nodes, and each mistake is marked where it is typed", async () => {
  await dashboard.go("Published Services");
  const dialog = await dashboard.dialog("Add Service");
  await fill(dialog, { Name: "nodes", Upstream: "Nodes", Nodes: one.node });
  await advanced(dialog);
  const add = dialog.getByRole("button", { name: "Add", exact: true });
  const expectFault = async (label: string, says: string) => {
    const field = dialog.getByLabel(label, { exact: true });
    await expect(field, label).toHaveAttribute("aria-invalid", "true");
    await expect(field, label).toHaveAccessibleDescription(new RegExp(says));
  };
  for (const [typed, says] of [
    ["127.0.0.1", "the port is missing: write host:port"],
    ["127.0.0.1:80 heavy", "a weight is a whole number from 0 to 1000000"],
    [`${one.node} 0`, "At least one node needs a weight above 0"],
    ["", "Enter at least one node: host:port and a weight"],
  ]) {
    await fill(dialog, { Nodes: typed });
    await add.click();
    await expectFault("Nodes", says);
  }
  // All of them at once: what is asked for only together with another field comes after that.
  const [seconds, times] = ["a whole number from 1 to 3600", "a whole number from 1 to 254"];
  const wrong: [string, string, string][] = [
    ["Upstream Host", "api example", "Enter the host that the nodes are to get"],
    ["CA Certificate", "nonsense", "Paste one or more certificates in PEM form"],
    ["Retries", "-1", "a whole number from 0 to 100"],
    [RETRY, "0", seconds],
    [CONNECT, "1.5", seconds],
    [READ, "3601", seconds],
    [CHECK, "health", "Enter a path such as /health"],
    [INTERVAL, "0", seconds],
    [HEALTHY, "255", times],
    [UNHEALTHY, "", times],
    [PASSIVE, "2", ""],
    [REST, "often", seconds],
  ];
  await fill(dialog, { Nodes: one.node, "Pass Host": "Another host", Scheme: "HTTPS" });
  for (const [label, typed] of wrong) await fill(dialog, { [label]: typed });
  await add.click();
  for (const [label, , says] of wrong.filter(([, , says]) => says !== "")) await expectFault(label, says);
  await fill(dialog, { [PASSIVE]: "0" });
  await add.click();
  await expectFault(PASSIVE, times);
  await fill(dialog, USUAL);
  await dashboard.submit(dialog);
  await dashboard.openService("nodes");
  await dashboard.addRoute("all", "/*");
  await expect.poll(() => tally(2)).toEqual({ one: 2 });
});

test("what is set in each field is what the gateway does", async () => {
  test.setTimeout(180_000);
  await dashboard.openService("nodes");
  const [half, all] = ["one and the other in turn", "the living one alone"];
  for (const { what, fields, times, gives, by } of [
    { what: "weights", fields: { Nodes: lines([one, 1], [two, 3]) }, times: 40, gives: { one: 10, two: 30 } },
    { what: "weight 0", fields: { Nodes: lines([one, 0], [two, 1]) }, times: 6, gives: { two: 6 } },
    { what: half, fields: { Nodes: lines([dead, 1], [one, 1]), Retries: "0" }, times: 10, gives: { one: 5, 502: 5 } },
    { what: all, fields: { Nodes: lines([dead, 1], [one, 1]), Retries: "1" }, times: 10, gives: { one: 10 } },
    { what: "two dead, one retry", fields: { Nodes: lines([dead, 2], [one, 1]), Retries: "1" }, times: 9, gives: { one: 9 } },
    { what: "silence", fields: { Nodes: lines([silent, 1]), [READ]: "1" }, times: 1, gives: { 504: 1 } },
    { what: "after silence", fields: { Nodes: lines([silent, 1], [one, 1]), [READ]: "1" }, times: 2, gives: { one: 2 } },
    {
      what: "after silence, too late for another",
      fields: { Nodes: lines([silent, 1], [one, 1]), [READ]: "1", [RETRY]: "1" },
      times: 2,
      gives: { one: 1, 504: 1 },
    },
    {
      what: "no connection in time, but another node in time",
      fields: { Nodes: lines([deaf, 1], [one, 1]), [CONNECT]: "1", [RETRY]: "3" },
      times: 2,
      gives: { one: 2 },
    },
    {
      what: "no connection in time, and too late for another",
      fields: { Nodes: lines([deaf, 1], [one, 1]), [CONNECT]: "2", [RETRY]: "1" },
      times: 2,
      gives: { one: 1, 504: 1 },
    },
    { what: "the client's host", fields: { Nodes: lines([one, 1]) }, times: 1, gives: { [HOST]: 1 }, by: "host" },
    {
      what: "the node's host",
      fields: { Nodes: lines([one, 1]), "Pass Host": "The node's host" },
      times: 1,
      gives: { [one.node]: 1 },
      by: "host",
    },
    {
      what: "another host",
      fields: { Nodes: lines([one, 1]), "Pass Host": "Another host", "Upstream Host": "api.example" },
      times: 1,
      gives: { "api.example": 1 },
      by: "host",
    },
    { what: "an unknown authority", fields: { Nodes: lines([encrypted, 1]), Scheme: "HTTPS" }, times: 1, gives: { 502: 1 } },
    {
      what: "a known authority",
      fields: { Nodes: lines([encrypted, 1]), Scheme: "HTTPS", "CA Certificate": tls.certificate },
      times: 1,
      gives: { encrypted: 1 },
    },
    {
      what: "a certificate of another name",
      fields: { Nodes: lines([encrypted, 1]).replace("127.0.0.1", "localhost"), Scheme: "HTTPS", "CA Certificate": tls.certificate },
      times: 1,
      gives: { 502: 1 },
    },
  ] as { what: string; fields: Fields; times: number; gives: Tally; by?: "host" }[]) {
    await test.step(what, async () => {
      await save(fields);
      await expect.poll(() => tally(times, by), { message: what }).toEqual(gives);
    });
  }
});

test("Least Connections keeps requests away from a node that is busy", async () => {
  const waiting: (() => void)[] = [];
  const busy = await Upstream.start("busy", (asked, answer) => {
    const end = () => answer.end('{"name": "busy"}');
    if (asked.headers.host === "held.example") waiting.push(end);
    else end();
  });
  await dashboard.openService("nodes");
  await save({ Nodes: lines([busy, 1]), "Load Balancing": "Least Connections" });
  await expect.poll(() => tally(1)).toEqual({ busy: 1 });
  await save({ Nodes: lines([busy, 1], [one, 1]), "Load Balancing": "Least Connections" });
  await expect.poll(async () => Object.keys(await tally(4)).sort()).toEqual(["busy", "one"]);
  // Whichever node the first one goes to, two of them are at the busy one and at the other.
  const held = get(`${world.postern.gateway}/held`, { Host: "held.example" });
  await expect.poll(() => waiting.length + one.asked.filter((path) => path === "/held").length).toBe(1);
  if (waiting.length === 0) {
    await held;
    void get(`${world.postern.gateway}/held`, { Host: "held.example" });
    await expect.poll(() => waiting.length).toBe(1);
  }
  expect(await tally(6)).toEqual({ one: 6 });
  waiting.forEach((end) => end());
  busy.stop();
});

test("a node that fails its active check gets no requests until it passes it", async () => {
  let isWell = false;
  const ailing = await Upstream.start("ailing", (asked, answer) => {
    if (asked.url === "/health" && !isWell) answer.statusCode = 500;
    answer.end('{"name": "ailing"}');
  });
  await dashboard.openService("nodes");
  const fields = { [CHECK]: "/health", [INTERVAL]: "1", [HEALTHY]: "1", [UNHEALTHY]: "1" };
  await save({ Nodes: lines([ailing, 1], [one, 1]), ...fields });
  await expect.poll(() => tally(6)).toEqual({ one: 6 });
  isWell = true;
  await expect.poll(() => tally(6)).toEqual({ ailing: 3, one: 3 });
  ailing.stop();
});

test("a node whose answers are bad rests, and is tried again", async () => {
  let isWell = false;
  const overloaded = await Upstream.start("overloaded", (_, answer) => {
    if (!isWell) answer.statusCode = 503;
    answer.end('{"name": "overloaded"}');
  });
  await dashboard.openService("nodes");
  const nodes = lines([overloaded, 1], [one, 1]);
  await save({ Nodes: nodes, [PASSIVE]: "2", [REST]: "3600" });
  await expect.poll(() => tally(6)).toEqual({ one: 6 });
  expect(overloaded.asked, "it was asked as often as the field says").toHaveLength(2);
  isWell = true;
  expect(await tally(4), "an hour has not passed").toEqual({ one: 4 });
  await save({ Nodes: nodes, [PASSIVE]: "2", [REST]: "1" });
  await expect.poll(() => tally(6)).toEqual({ overloaded: 3, one: 3 });
  overloaded.stop();
});
