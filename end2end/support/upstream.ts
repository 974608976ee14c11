// The servers that a service sends requests to.
import { createServer, IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { AddressInfo } from "node:net";
import { Peer } from "./peer";
import { Identity } from "./tls";

export type Answering = (asked: IncomingMessage, answer: ServerResponse) => void;

/** A server that says its name and the Host it was asked for, or does what it is told to. */
export class Upstream {
  /** The path of each request. */
  readonly asked: string[] = [];

  private constructor(
    private readonly server: Server,
    readonly name: string,
  ) {}

  static async start(name: string, answering?: Answering, identity?: Identity): Promise<Upstream> {
    const usual: Answering = (asked, answer) => answer.end(JSON.stringify({ name, host: asked.headers.host }));
    const listener: Answering = (asked, answer) => {
      upstream.asked.push(asked.url ?? "");
      (answering ?? usual)(asked, answer);
    };
    const tls = identity && { cert: identity.certificate, key: identity.key };
    const server = tls ? createTlsServer(tls, listener) : createServer(listener);
    const upstream = new Upstream(server, name);
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    return upstream;
  }

  get node(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Ends it with all that it holds. */
  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** A port whose connections are never taken: support/deaf.py. */
export class Deaf {
  private constructor(private readonly peer: Peer) {}

  static async start(): Promise<Deaf> {
    return new Deaf(await Peer.start("python3", "end2end/support/deaf.py"));
  }

  get node(): string {
    return `127.0.0.1:${this.peer.port}`;
  }

  async stop() {
    await this.peer.remove();
  }
}
