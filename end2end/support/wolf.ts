// The stand-in for a Wolf server, which no package brings: dev/backends/wolf_stub.py says who may do what.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Running } from "./process";

export class Wolf {
  private constructor(
    private readonly running: Running,
    private readonly home: string,
    readonly url: string,
  ) {}

  static async start(): Promise<Wolf> {
    const home = mkdtempSync(join(tmpdir(), "postern-e2e-wolf-"));
    const running = new Running({
      program: "python3",
      args: [resolve(__dirname, "../../dev/backends/wolf_stub.py")],
      env: { PATH: process.env.PATH, HOME: home },
      log: join(home, "log"),
    });
    return new Wolf(running, home, `http://127.0.0.1:${await running.port()}`);
  }

  async remove() {
    await this.running.stop();
    rmSync(this.home, { recursive: true, force: true });
  }
}
