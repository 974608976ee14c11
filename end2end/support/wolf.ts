// The stand-in for a Wolf server, which no package brings: dev/backends/wolf_stub.py says who may do what.
import { Peer } from "./peer";

export class Wolf {
  private constructor(private readonly peer: Peer) {}

  static async start(): Promise<Wolf> {
    return new Wolf(await Peer.start("python3", "dev/backends/wolf_stub.py"));
  }

  get url(): string {
    return `http://127.0.0.1:${this.peer.port}`;
  }

  async remove() {
    await this.peer.remove();
  }
}
