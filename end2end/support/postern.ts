// The built server, with a data folder and ports of its own that survive restarts.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Answer, answers200, get } from "./http";
import { freePort, Running } from "./process";

export class Postern {
  /** Everything it has printed since the first start. */
  readonly log: string;
  readonly dataDir: string;
  private readonly tokenFiles: string;
  private running: Running | undefined;
  private readonly folder = mkdtempSync(join(tmpdir(), "postern-e2e-"));

  private constructor(
    private readonly dashboardPort: number,
    private readonly gatewayPort: number,
    readonly tlsPort: number,
    private readonly settings: string[],
  ) {
    this.log = join(this.folder, "postern.log");
    this.dataDir = join(this.folder, "data");
    this.tokenFiles = join(this.folder, "tokens");
    mkdirSync(this.tokenFiles);
  }

  static async start(settings: string[] = []): Promise<Postern> {
    const postern = new Postern(await freePort(), await freePort(), await freePort(), settings);
    await postern.up();
    return postern;
  }

  get dashboard(): string {
    return `http://127.0.0.1:${this.dashboardPort}`;
  }

  get gateway(): string {
    return `http://127.0.0.1:${this.gatewayPort}`;
  }

  async up() {
    const program = process.env.E2E_SERVER;
    if (!program) throw new Error("E2E_SERVER must name the postern binary: run dev/test");
    const site = process.env.E2E_SITE;
    this.running = new Running({
      program,
      args: [
        "serve",
        ...["--data-dir", this.dataDir],
        ...["--dashboard-addr", `127.0.0.1:${this.dashboardPort}`],
        ...["--gateway-addr", `127.0.0.1:${this.gatewayPort}`],
        ...["--gateway-tls-addr", `127.0.0.1:${this.tlsPort}`],
        ...["--token-files", `default=${this.tokenFiles}`],
        ...(site ? ["--site-root", site] : []),
        ...this.settings,
      ],
      cwd: this.folder,
      env: { PATH: process.env.PATH, HOME: this.folder },
      log: this.log,
    });
    await this.running.until(() => answers200(`${this.dashboard}/readyz`));
  }

  /** Stops it as an operator does; it must end by itself, with success. */
  async stop() {
    const ended = await this.running?.stop("SIGTERM");
    if (ended !== undefined && ended !== 0) throw new Error(`postern ended with ${ended}, not with 0`);
    this.running = undefined;
  }

  /** As if the machine lost power, for this process. */
  async kill() {
    await this.running?.stop("SIGKILL");
    this.running = undefined;
  }

  async restart() {
    await this.stop();
    await this.up();
  }

  /** A request of a client through the gateway; `apikey` is left out when undefined. */
  async request(path: string, apikey?: string): Promise<Answer> {
    return this.ask(path, apikey === undefined ? {} : { apikey });
  }

  async ask(path: string, headers: Record<string, string>): Promise<Answer> {
    return get(`${this.gateway}${path}`, headers);
  }

  /** As Vault Agent does: a token for providers whose Token File has this name. */
  writeTokenFile(name: string, token: string) {
    writeFileSync(join(this.tokenFiles, name), `${token}\n`);
  }

  logText(): string {
    return readFileSync(this.log, "utf8");
  }

  async remove() {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
