// A server process of a test: started on a port of its own, awaited, stopped by its pid.
import { ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";

/** A loopback port that nobody uses; the next one is free as well. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await listenOnce(0);
    if (port && (await listenOnce(port + 1))) return port;
  }
}

function listenOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? address?.port : undefined));
    });
  });
}

export interface Command {
  program: string;
  args: string[];
  cwd?: string;
  env: NodeJS.ProcessEnv;
  /** Everything it prints is appended here. */
  log: string;
}

export class Running {
  private readonly child: ChildProcess;
  private readonly ended: Promise<number | NodeJS.Signals | null>;

  constructor(private readonly command: Command) {
    const log = openSync(command.log, "a");
    this.child = spawn(command.program, command.args, {
      cwd: command.cwd,
      env: command.env,
      // A pipe that stays open: our peers in dev/backends end with their standard input, however we end.
      stdio: ["pipe", log, log],
    });
    closeSync(log);
    const killWithUs = () => this.child.kill("SIGKILL");
    process.once("exit", killWithUs);
    this.ended = new Promise((resolve, reject) => {
      this.child.once("error", reject);
      this.child.once("exit", (code, signal) => {
        process.removeListener("exit", killWithUs);
        resolve(code ?? signal);
      });
    });
  }

  private get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Waits for `ready`; a process that ends meanwhile fails with its last words. */
  async until(ready: () => Promise<boolean>) {
    const deadline = Date.now() + 60_000;
    while (!(await ready())) {
      if (!this.alive) throw new Error(`${this.command.program} ended while starting:\n${this.lastWords()}`);
      if (Date.now() > deadline) throw new Error(`${this.command.program} is not ready after 60 s:\n${this.lastWords()}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** The port that it says it is listening on, once it does. */
  async port(): Promise<number> {
    const said = () => readFileSync(this.command.log, "utf8").match(/^listening on (\d+)$/m);
    await this.until(async () => said() !== null);
    return Number(said()![1]);
  }

  /** Asks it to stop and waits; gives its exit code, or the signal that ended it. */
  async stop(signal: NodeJS.Signals = "SIGTERM") {
    this.child.kill(signal);
    return this.ended;
  }

  private lastWords(): string {
    return readFileSync(this.command.log, "utf8").slice(-2000);
  }
}
