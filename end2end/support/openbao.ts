// A real OpenBao in development mode, with what the tutorial puts into its Vault.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answers200, send } from "./http";
import { freePort, Running } from "./process";

const ROOT_TOKEN = "e2e-root-token";

export class OpenBao {
  /** May read secret/data/* and nothing else, as the tutorial's policy says. */
  readonly readToken = "e2e-api7-policy-token-9fb1";
  private running: Running | undefined;
  private readonly home = mkdtempSync(join(tmpdir(), "postern-e2e-bao-"));

  private constructor(readonly port: number) {}

  static async start(): Promise<OpenBao> {
    const bao = new OpenBao(await freePort());
    await bao.up();
    return bao;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it on its port, empty but for the policy and the token: it keeps nothing. */
  async up() {
    this.running = new Running({
      program: process.env.BAO ?? "bao",
      args: [
        "server",
        "-dev",
        "-dev-no-store-token",
        `-dev-root-token-id=${ROOT_TOKEN}`,
        `-dev-listen-address=127.0.0.1:${this.port}`,
      ],
      env: { PATH: process.env.PATH, HOME: this.home },
      log: join(this.home, "log"),
    });
    await this.running.until(() => answers200(`${this.url}/v1/sys/health`));
    // Dev mode mounts secret/ a moment after it is unsealed.
    await this.running.until(() =>
      this.api("GET", "sys/mounts/secret").then(
        () => true,
        () => false,
      ),
    );
    await this.api("PUT", "sys/policies/acl/api7-policy", {
      policy: 'path "secret/data/*" { capabilities = ["read"] }',
    });
    await this.api("POST", "auth/token/create", {
      id: this.readToken,
      policies: ["api7-policy"],
      ttl: "768h",
    });
  }

  /** `vault kv put secret/PATH KEY=VALUE...`: replaces every key of the secret. */
  async put(path: string, data: Record<string, string>) {
    await this.api("POST", `secret/data/${path}`, { data });
  }

  /** `vault kv patch secret/PATH KEY=VALUE...`: changes these keys and keeps the others. */
  async patch(path: string, data: Record<string, string>) {
    await this.api("PATCH", `secret/data/${path}`, { data });
  }

  /** `vault policy write NAME`. */
  async writePolicy(name: string, policy: string) {
    await this.api("PUT", `sys/policies/acl/${name}`, { policy });
  }

  /** A token with the policy of that name, which need not be there yet. */
  async createToken(policy: string): Promise<string> {
    const id = `e2e-${policy}-token-77d0`;
    await this.api("POST", "auth/token/create", { id, policies: [policy], ttl: "768h" });
    return id;
  }

  /** An AppRole whose tokens may read what `readToken` may. */
  async enableAppRole(): Promise<{ roleId: string; secretId: string }> {
    const [roleId, secretId] = ["e2e-role-id", "e2e-secret-id-5c20"];
    await this.api("POST", "sys/auth/approle", { type: "approle" });
    await this.api("POST", "auth/approle/role/postern", { token_policies: ["api7-policy"], token_ttl: "1h" });
    await this.api("POST", "auth/approle/role/postern/role-id", { role_id: roleId });
    await this.api("POST", "auth/approle/role/postern/custom-secret-id", { secret_id: secretId });
    return { roleId, secretId };
  }

  async stop() {
    await this.running?.stop();
  }

  async remove() {
    await this.stop();
    rmSync(this.home, { recursive: true, force: true });
  }

  private async api(method: string, path: string, body?: object): Promise<void> {
    const answer = await send(
      method,
      `${this.url}/v1/${path}`,
      {
        "X-Vault-Token": ROOT_TOKEN,
        "Content-Type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
      },
      body && JSON.stringify(body),
    );
    if (answer.status >= 300) throw new Error(`OpenBao ${method} ${path}: ${answer.status} ${answer.body}`);
  }
}
