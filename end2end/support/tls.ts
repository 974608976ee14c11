// Certificates for servers of a test.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Identity {
  certificate: string;
  key: string;
}

/** A self-signed certificate for `name`, such as DNS:one.example or IP:127.0.0.1, and its private key, in PEM. */
export function identity(name: string): Identity {
  const folder = mkdtempSync(join(tmpdir(), "postern-e2e-tls-"));
  const [key, certificate] = [join(folder, "key"), join(folder, "certificate")];
  const extensions = [`subjectAltName=${name}`, "basicConstraints=critical,CA:FALSE"];
  const subject = ["-subj", `/CN=${name.split(":")[1]}`, ...extensions.flatMap((extension) => ["-addext", extension])];
  const files = ["-keyout", key, "-out", certificate];
  const command = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  execFileSync("openssl", [...command, ...subject, ...files], { stdio: "ignore" });
  const read = { certificate: readFileSync(certificate, "utf8"), key: readFileSync(key, "utf8") };
  rmSync(folder, { recursive: true });
  return read;
}
