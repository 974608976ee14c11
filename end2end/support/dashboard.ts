// What an operator does in the dashboard, in the words of the tutorial. Every
// control is found by its exact accessible name: the names are the contract.
import { expect, Locator, Page } from "@playwright/test";
import { AccessKey } from "./aws";
import { hydrated, open } from "./test";

export const ALICE_KEY = "$secret://vault/my-vault/consumer/alice/key";

export interface Vault {
  id: string;
  kvVersion: "KV version 1" | "KV version 2" | "Auto-detect";
  url: string;
  prefix: string;
  token: string;
}

/** A plugin's configuration that is not to be had, and a part of what the dialog says about it. */
export interface Mistake {
  typed: string;
  says: string;
}

/** The JSON editor of a dialog, once it has taken the place of the plain text field: what is found before is the field. */
export async function jsonEditor(dialog: Locator): Promise<JsonEditor> {
  const editor = new JsonEditor(dialog);
  await expect(dialog.locator("json-editor[data-ready]")).toBeVisible();
  return editor;
}

export class JsonEditor {
  readonly textbox: Locator;

  constructor(readonly dialog: Locator) {
    this.textbox = dialog.getByRole("textbox", { name: "JSON Editor", exact: true });
  }

  /** Replaces all of it, and waits until the form has it: an earlier click would send what was there before. */
  async write(json: string) {
    await this.textbox.fill(json);
    await expect(this.dialog.locator('textarea[name="json"]')).toHaveValue(json);
  }

  /** What the form holds. */
  async text(): Promise<string> {
    return this.dialog.locator('textarea[name="json"]').inputValue();
  }

  /** What is underlined as wrong. */
  get wrong(): Locator {
    return this.textbox.locator(".cm-lintRange-error");
  }

  /** How references fare, as marked in the text. */
  get marks(): Locator {
    return this.textbox.locator(".cm-reference-state");
  }

  /** Chooses from what completes the text at the cursor. A slow machine may not offer it unasked. */
  async complete(option: string) {
    const list = this.dialog.getByRole("listbox", { name: "Completions" });
    const before = await this.text();
    await expect(async () => {
      if (!(await list.isVisible())) await this.textbox.press("Control+Space");
      await list.getByRole("option").filter({ hasText: option }).first().click({ timeout: 3_000 });
      expect(await this.text()).not.toBe(before);
    }).toPass();
  }
}

export class Dashboard {
  constructor(
    readonly page: Page,
    readonly base: string,
  ) {}

  async open(path = "/") {
    return open(this.page, this.base + path);
  }

  /** Goes through the side navigation, as the tutorial does. */
  async go(name: "Secret Providers" | "Consumers" | "Published Services" | "Global Plugins" | "Plugin Metadata" | "References" | "Gateway Instances") {
    if (!this.page.url().startsWith(this.base)) await this.open();
    const navigation = this.page.getByRole("navigation").getByRole("link", { name, exact: true });
    await navigation.click();
    await expect(this.page.getByRole("heading", { level: 1, name, exact: true })).toBeVisible();
    await hydrated(this.page);
  }

  /** Presses a button that opens a dialog; gives the dialog. */
  async dialog(button: string): Promise<Locator> {
    await this.page.getByRole("button", { name: button, exact: true }).click();
    const dialog = this.page.getByRole("dialog");
    await expect(dialog).toBeVisible();
    return dialog;
  }

  /** Presses the dialog's submit button and waits until it has gone. */
  async submit(dialog: Locator, name: "Add" | "Save" | "Enable" = "Add") {
    await dialog.getByRole("button", { name, exact: true }).click();
    await expect(dialog).toBeHidden();
  }

  async fillProvider(dialog: Locator, vault: Vault) {
    await dialog.getByRole("textbox", { name: "Secret Provider ID", exact: true }).fill(vault.id);
    await dialog.getByRole("combobox", { name: "Secret Manager", exact: true }).selectOption("HashiCorp Vault");
    await dialog.getByRole("combobox", { name: "KV Version", exact: true }).selectOption(vault.kvVersion);
    await dialog.getByRole("textbox", { name: "Vault Server URL", exact: true }).fill(vault.url);
    await dialog.getByRole("textbox", { name: "Secret Prefix", exact: true }).fill(vault.prefix);
    await dialog.getByRole("combobox", { name: "Authentication Method", exact: true }).selectOption("Token");
    await dialog.getByLabel("Token", { exact: true }).fill(vault.token);
  }

  async addProvider(vault: Vault) {
    await this.go("Secret Providers");
    const dialog = await this.dialog("Add Secret Provider");
    await this.fillProvider(dialog, vault);
    await this.submit(dialog);
    await expect(this.page.getByRole("row").filter({ hasText: vault.id })).toBeVisible();
  }

  /** AWS Secrets Manager at `url`, with a user's access key, from the page of providers. */
  async addSecretsManager(id: string, url: string, key: AccessKey) {
    const dialog = await this.dialog("Add Secret Provider");
    const text = (name: string) => dialog.getByLabel(name, { exact: true });
    await text("Secret Provider ID").fill(id);
    await dialog.getByRole("combobox", { name: "Secret Manager", exact: true }).selectOption("AWS Secrets Manager");
    await dialog.getByRole("combobox", { name: "Region", exact: true }).selectOption("us-east-1");
    await text("Access Key ID").fill(key.id);
    await text("Secret Access Key").fill(key.secret);
    await dialog.getByText("Advanced", { exact: true }).click();
    await text("Endpoint URL").fill(url);
    await this.submit(dialog);
  }

  async addConsumer(name: string) {
    await this.go("Consumers");
    const dialog = await this.dialog("Add Consumer");
    await dialog.getByRole("textbox", { name: "Name", exact: true }).fill(name);
    await this.submit(dialog);
  }

  /** Refresh now: every secret of the provider is read again. */
  async refresh(provider = "my-vault") {
    await this.go("Secret Providers");
    await this.page.getByRole("link", { name: provider, exact: true }).click();
    await this.page.getByRole("button", { name: "Refresh now", exact: true }).click();
  }

  /** From wherever we are to a consumer's Credentials tab. */
  async openConsumer(name: string) {
    await this.go("Consumers");
    await this.page.getByRole("link", { name, exact: true }).click();
    await expect(this.page.getByRole("heading", { level: 1, name, exact: true })).toBeVisible();
    await hydrated(this.page);
  }

  async openConsumerPlugins(name: string) {
    await this.openConsumer(name);
    await this.page.getByRole("tab", { name: "Plugins", exact: true }).click();
    await expect(this.page.getByRole("button", { name: "Enable Plugin", exact: true })).toBeVisible();
    await hydrated(this.page);
  }

  async addKeyByReference(name: string, reference: string) {
    const { dialog, field } = await this.keyReferenceDialog(name);
    await field.fill(reference);
    await this.submit(dialog);
  }

  /** The dialog with the field for a reference, which is still empty, and the group around it. */
  async keyReferenceDialog(name: string): Promise<{ dialog: Locator; key: Locator; field: Locator }> {
    const dialog = await this.keyDialog(name);
    const key = dialog.getByRole("group", { name: "Key", exact: true });
    await key.getByRole("radio", { name: "Reference from Secret Provider", exact: true }).check();
    return { dialog, key, field: key.getByRole("combobox", { name: "Key", exact: true }) };
  }

  async addKeyByHand(name: string, value: string) {
    const dialog = await this.keyDialog(name);
    const key = dialog.getByRole("group", { name: "Key", exact: true });
    await key.getByRole("radio", { name: "Manually Input", exact: true }).check();
    await key.getByLabel("Key", { exact: true }).fill(value);
    await this.submit(dialog);
  }

  private async keyDialog(name: string): Promise<Locator> {
    const dialog = await this.dialog("Add Key Authentication Credential");
    await dialog.getByRole("textbox", { name: "Name", exact: true }).fill(name);
    return dialog;
  }

  /** A service whose upstream is the built-in echo, and its page. */
  async addEchoService(name: string) {
    await this.go("Published Services");
    const dialog = await this.dialog("Add Service");
    await dialog.getByRole("textbox", { name: "Name", exact: true }).fill(name);
    await dialog.getByRole("combobox", { name: "Upstream", exact: true }).selectOption("Built-in echo");
    await this.submit(dialog);
  }

  async openService(name: string) {
    await this.go("Published Services");
    await this.page.getByRole("link", { name, exact: true }).click();
    await expect(this.page.getByRole("heading", { level: 1, name, exact: true })).toBeVisible();
    await hydrated(this.page);
  }

  async addRoute(name: string, path: string) {
    const dialog = await this.dialog("Add Route");
    await dialog.getByRole("textbox", { name: "Name", exact: true }).fill(name);
    await dialog.getByRole("textbox", { name: "Path", exact: true }).fill(path);
    await this.submit(dialog);
  }

  async openRoute(service: string, name: string) {
    await this.openService(service);
    await this.page.getByRole("link", { name, exact: true }).click();
    await expect(this.page.getByRole("heading", { level: 1, name, exact: true })).toBeVisible();
    await hydrated(this.page);
  }

  /** Enable Plugin, the plugin's card, Enable, JSON Editor, Enable; before that, each mistake is refused. */
  async enablePlugin(card: string, json: string, mistakes: Mistake[] = []) {
    await this.configure("Enable Plugin", "Enable", card, card, json, mistakes);
  }

  async addPluginMetadata(card: string, json: string, mistakes: Mistake[] = []) {
    await this.configure("Add Plugin Metadata", "Add", card, `Metadata of ${card}`, json, mistakes);
  }

  private async configure(
    open: string,
    verb: "Enable" | "Add",
    card: string,
    what: string,
    json: string,
    mistakes: Mistake[],
  ) {
    await this.page.getByRole("button", { name: open, exact: true }).click();
    const plugin = this.page
      .getByRole("listitem")
      .filter({ has: this.page.getByRole("heading", { name: card, exact: true }) });
    await plugin.getByRole("button", { name: verb, exact: true }).click();
    const dialog = this.page.getByRole("dialog", { name: `${verb} ${what}`, exact: true });
    const editor = await jsonEditor(dialog);
    for (const { typed, says } of mistakes) {
      await editor.write(typed);
      await dialog.getByRole("button", { name: verb, exact: true }).click();
      await expect(dialog.getByRole("group", { name: "What needs mending" })).toContainText(says);
      await expect(editor.wrong.first()).toBeVisible();
    }
    await editor.write(json);
    await expect(editor.wrong).toHaveCount(0);
    await this.submit(dialog, verb);
  }
}
