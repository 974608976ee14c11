// An nginx over TLS, HTTP/1.1 and HTTP/2, that serves nobody without a client certificate.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, Running } from "./process";

/** A certificate and its private key, in PEM. */
export interface Identity {
  certificate: string;
  key: string;
}

/** Issues certificates that nginx, or its clients, trust. */
export class Authority {
  private readonly home = mkdtempSync(join(tmpdir(), "postern-e2e-authority-"));

  constructor() {
    this.openssl("req", "-x509", ...this.newKey("ca"), "-out", "ca.pem", "-subj", "/CN=authority", "-days", "2");
  }

  get certificate(): string {
    return this.read("ca.pem");
  }

  /** A certificate for `name`, which is also its one subject alternative name: `DNS:…` or `IP:…`. */
  issue(name: string): Identity {
    this.openssl("req", ...this.newKey("leaf"), "-out", "leaf.csr", "-subj", `/CN=${name.split(":")[1]}`);
    writeFileSync(join(this.home, "extensions"), `subjectAltName=${name}\n`);
    const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "extensions", "-days", "2"];
    this.openssl("x509", "-req", "-in", "leaf.csr", "-out", "leaf.pem", ...signed);
    return { certificate: this.read("leaf.pem"), key: this.read("leaf.key") };
  }

  remove() {
    rmSync(this.home, { recursive: true });
  }

  private newKey(name: string): string[] {
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", `${name}.key`];
  }

  private openssl(...args: string[]) {
    execFileSync("openssl", args, { cwd: this.home, stdio: "ignore" });
  }

  private read(file: string): string {
    return readFileSync(join(this.home, file), "utf8");
  }
}

export class Nginx {
  private constructor(
    private readonly running: Running,
    private readonly home: string,
    readonly port: number,
  ) {}

  /** It answers with the protocol, and whose certificate it was shown. */
  static async start(server: Identity, clients: Authority): Promise<Nginx> {
    const [home, port] = [mkdtempSync(join(tmpdir(), "postern-e2e-nginx-")), await freePort()];
    const files = { certificate: server.certificate, key: server.key, clients: clients.certificate };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(home, name), text);
    writeFileSync(join(home, "conf"), configuration(home, port));
    const running = new Running({
      program: "nginx",
      args: ["-p", home, "-c", join(home, "conf"), "-e", "stderr", "-g", "daemon off;"],
      cwd: home,
      // Debian keeps it where only root looks.
      env: { PATH: `${process.env.PATH}:/usr/sbin` },
      log: join(home, "log"),
    });
    await running.until(() => isOpen(port));
    return new Nginx(running, home, port);
  }

  async remove() {
    await this.running.stop();
    rmSync(this.home, { recursive: true, force: true });
  }
}

function configuration(home: string, port: number): string {
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
    pid ${home}/pid;
    worker_processes 1;
    error_log stderr;
    events {}
    http {
      access_log off;
      ${places.map((place) => `${place}_temp_path ${home}/${place};`).join("\n      ")}
      server {
        listen 127.0.0.1:${port} ssl http2;
        ssl_certificate ${home}/certificate;
        ssl_certificate_key ${home}/key;
        ssl_client_certificate ${home}/clients;
        ssl_verify_client on;
        location / { return 200 "$server_protocol $ssl_client_verify $ssl_client_s_dn"; }
      }
    }
  `;
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.end();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
