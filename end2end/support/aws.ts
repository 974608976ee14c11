// AWS Secrets Manager as moto serves it, with the documentation's secrets:
// dev/backends/aws_secrets_manager.py says what is in it.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { send } from "./http";
import { Running } from "./process";

export interface AccessKey {
  id: string;
  secret: string;
}

interface Ready {
  address: string;
  keys: Record<"reader" | "lister" | "nobody", AccessKey>;
}

export class SecretsManager {
  private constructor(
    private readonly running: Running,
    private readonly home: string,
    private readonly ready: Ready,
  ) {}

  static async start(): Promise<SecretsManager> {
    const home = mkdtempSync(join(tmpdir(), "postern-e2e-aws-"));
    const log = join(home, "log");
    const running = new Running({
      program: process.env.POSTERN_PYTHON ?? join(cache(), "postern/venv/bin/python3"),
      args: ["-u", resolve(__dirname, "../../dev/backends/aws_secrets_manager.py"), "--stay"],
      env: { PATH: process.env.PATH, HOME: home },
      log,
    });
    let ready: Ready | undefined;
    await running.until(async () => {
      const line = readFileSync(log, "utf8").match(/^\{.*\}$/m);
      if (line) ready = JSON.parse(line[0]) as Ready;
      return ready !== undefined;
    });
    return new SecretsManager(running, home, ready!);
  }

  get url(): string {
    return this.ready.address;
  }

  key(user: keyof Ready["keys"]): AccessKey {
    return this.ready.keys[user];
  }

  /** As its owner does in the console: the secret has these keys from now on. */
  async put(name: string, keys: Record<string, string>) {
    const secret = JSON.stringify({ name, value: JSON.stringify(keys) });
    const answer = await send("POST", `${this.url}/_put`, {}, secret);
    if (answer.status !== 200) throw new Error(`storing ${name}: ${answer.status}`);
  }

  async remove() {
    await this.running.stop();
    rmSync(this.home, { recursive: true, force: true });
  }
}

function cache(): string {
  return process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
}
