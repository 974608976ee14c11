// A server of ours that a test talks to, written as a script: it prints its port, and has a home that goes with it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Running } from "./process";

export class Peer {
  private constructor(
    private readonly running: Running,
    private readonly home: string,
    readonly port: number,
  ) {}

  /** `script` is seen from the top of the repository. */
  static async start(program: string, script: string, ...args: string[]): Promise<Peer> {
    const home = mkdtempSync(join(tmpdir(), "postern-e2e-peer-"));
    const running = new Running({
      program,
      args: [resolve(__dirname, "../..", script), ...args],
      env: { PATH: process.env.PATH, HOME: home },
      log: join(home, "log"),
    });
    return new Peer(running, home, await running.port());
  }

  async remove() {
    await this.running.stop();
    rmSync(this.home, { recursive: true, force: true });
  }
}
