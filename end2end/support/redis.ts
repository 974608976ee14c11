// A Redis without persistence, with the user that the tutorial's Limit Count uses.
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, Running } from "./process";

export class Redis {
  private constructor(
    private readonly running: Running,
    private readonly home: string,
    readonly port: number,
  ) {}

  static async start(): Promise<Redis> {
    const [home, port] = [mkdtempSync(join(tmpdir(), "postern-e2e-redis-")), await freePort()];
    const running = new Running({
      program: "redis-server",
      args: ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
      cwd: home,
      env: { PATH: process.env.PATH, HOME: home },
      log: join(home, "log"),
    });
    const redis = new Redis(running, home, port);
    await running.until(() =>
      redis.tell("PING").then(
        () => true,
        () => false,
      ),
    );
    return redis;
  }

  /** From now on the user has this password; whoever is connected is disconnected. */
  async setUser(name: string, password: string) {
    await this.tell(`ACL SETUSER ${name} reset on >${password} ~plugin-limit-count:* +@all`);
    await this.tell("CLIENT KILL TYPE normal SKIPME yes");
  }

  async remove() {
    await this.running.stop();
    rmSync(this.home, { recursive: true, force: true });
  }

  /** One command as its administrator. */
  private tell(command: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, "127.0.0.1", () => socket.write(`${command}\r\n`));
      socket.once("error", reject);
      socket.once("data", (data) => {
        socket.end();
        const line = data.toString();
        if (line.startsWith("-")) reject(new Error(`${command}: ${line}`));
        else resolve(line);
      });
    });
  }
}
