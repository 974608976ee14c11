// Where one can be in the dashboard, for specs that go everywhere.
import { Locator } from "@playwright/test";
import { ALICE_KEY, Dashboard, jsonEditor } from "./dashboard";
import { get } from "./http";

const GROUP = "/g/default";

export interface Place {
  name: string;
  path: string;
  /** Words that its main part holds after the tutorial, even without JavaScript. */
  shows?: string[];
}

/** The pages that exist from the start. */
export const firstPages: Place[] = [
  { name: "overview", path: GROUP },
  { name: "secret providers", path: `${GROUP}/secret-providers`, shows: ["my-vault"] },
  { name: "consumers", path: `${GROUP}/consumers`, shows: ["Alice"] },
  { name: "services", path: `${GROUP}/services`, shows: ["httpbin"] },
  { name: "global plugins", path: `${GROUP}/global-plugins` },
  { name: "plugin metadata", path: `${GROUP}/plugin-metadata` },
  { name: "certificates", path: `${GROUP}/certificates` },
  { name: "references", path: `${GROUP}/references`, shows: [ALICE_KEY] },
  { name: "gateway instances", path: `${GROUP}/instances` },
];

export const ALICE = `${GROUP}/consumers/Alice/credentials/key-auth`;
export const MY_VAULT = `${GROUP}/secret-providers/vault/my-vault`;

/** Every page, once the tutorial has been followed: the links of the pages lead there. */
export async function everyPage(base: string): Promise<Place[]> {
  const service = await onlyLink(base, `${GROUP}/services`);
  const route = await onlyLink(base, `${service}/routes`);
  return [
    ...firstPages,
    { name: "secret provider", path: MY_VAULT, shows: ["secret/api7"] },
    { name: "consumer", path: ALICE, shows: ["primary-key", ALICE_KEY] },
    { name: "consumer plugins", path: `${GROUP}/consumers/Alice/plugins` },
    { name: "service", path: service, shows: ["httpbin"] },
    { name: "service routes", path: `${service}/routes`, shows: ["/ip"] },
    { name: "service plugins", path: `${service}/plugins`, shows: ["Key Auth"] },
    { name: "route", path: route, shows: ["/ip"] },
  ];
}

/** The address of the one object that the list at `path` links to. */
async function onlyLink(base: string, path: string): Promise<string> {
  const list = await get(base + path);
  const reserved = ["routes", "plugins"];
  const ids = [...list.body.matchAll(new RegExp(`href="${path}/([A-Za-z0-9-]+)["/?]`, "g"))]
    .map((match) => match[1])
    .filter((id) => !reserved.includes(id));
  if (new Set(ids).size !== 1) throw new Error(`${path} links to ${ids.join(", ") || "nothing"}`);
  return `${path}/${ids[0]}`;
}

export interface DialogPlace {
  name: string;
  /** The page it opens over. */
  page: string;
  open(dashboard: Dashboard): Promise<Locator>;
}

/** Every dialog that a button opens, once the tutorial has been followed. */
export async function everyDialog(base: string): Promise<DialogPlace[]> {
  const service = await onlyLink(base, `${GROUP}/services`);
  const byButton = (page: string, button: string): DialogPlace => ({
    name: `${button} on ${page.replace(service, "service")}`,
    page,
    open: (dashboard) => dashboard.dialog(button),
  });
  return [
    byButton(`${GROUP}/secret-providers`, "Add Secret Provider"),
    byButton(MY_VAULT, "Edit"),
    byButton(MY_VAULT, "Create webhook"),
    byButton(`${GROUP}/consumers`, "Add Consumer"),
    byButton(ALICE, "Add Key Authentication Credential"),
    byButton(`${GROUP}/services`, "Add Service"),
    byButton(`${GROUP}/certificates`, "Add Certificate"),
    byButton(`${service}/routes`, "Add Route"),
    byButton(`${service}/plugins`, "Enable Plugin"),
    {
      name: "Edit Key Auth on service/plugins",
      page: `${service}/plugins`,
      async open(dashboard) {
        const dialog = await dashboard.dialog("Edit Key Auth");
        await jsonEditor(dialog);
        return dialog;
      },
    },
  ];
}
