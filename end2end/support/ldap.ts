// OpenLDAP with a few users: dev/backends/people.ldif says who they are.
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { freePort, Running } from "./process";

const BACKENDS = resolve(__dirname, "../../dev/backends");

export class Ldap {
  private running: Running | undefined;

  private constructor(
    private readonly home: string,
    readonly port: number,
  ) {}

  static async start(): Promise<Ldap> {
    const ldap = new Ldap(mkdtempSync(join(tmpdir(), "postern-e2e-ldap-")), await freePort());
    ldap.fill();
    await ldap.up();
    return ldap;
  }

  /** Starts it on its port, with everybody in it. */
  async up() {
    this.running = new Running({
      program: this.program,
      args: ["-d", "0", "-h", `ldap://127.0.0.1:${this.port}/`, "-f", this.config],
      env: { PATH: process.env.PATH, HOME: this.home },
      log: join(this.home, "log"),
    });
    await this.running.until(() => listens(this.port));
  }

  async stop() {
    await this.running?.stop();
  }

  async remove() {
    await this.stop();
    rmSync(this.home, { recursive: true, force: true });
  }

  /** Ubuntu confines the installed program to its own folders, by its path: hence a copy. */
  private get program(): string {
    return join(this.home, "slapd");
  }

  private get config(): string {
    return join(this.home, "slapd.conf");
  }

  private fill() {
    copyFileSync(installed(), this.program);
    mkdirSync(join(this.home, "db"));
    const settings = readFileSync(join(BACKENDS, "slapd.conf"), "utf8");
    writeFileSync(this.config, settings.replaceAll("FOLDER", this.home));
    execFileSync(this.program, ["-T", "add", "-f", this.config, "-l", join(BACKENDS, "people.ldif")], { stdio: "pipe" });
  }
}

/** Debian has it where only root looks. */
function installed(): string {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];
  const found = folders.map((folder) => join(folder, "slapd")).find((program) => existsSync(program));
  if (!found) throw new Error("OpenLDAP is needed: run dev/test, which installs it");
  return found;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true));
    socket.once("connect", () => socket.destroy());
    socket.once("error", () => resolve(false));
  });
}
