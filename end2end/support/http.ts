// HTTP as a client of the gateway speaks it: no pooled connections, no redirects.
import { request } from "node:http";

export interface Answer {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  body: string;
}

export function get(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  return send("GET", url, headers);
}

export function send(
  method: string,
  url: string,
  headers: Record<string, string>,
  body?: string | Buffer,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () =>
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          body: Buffer.concat(chunks).toString("utf8"),
        }),
      );
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** Whether `url` answers 200 right now. */
export async function answers200(url: string): Promise<boolean> {
  return get(url).then(
    (answer) => answer.status === 200,
    () => false,
  );
}
