// The parts that the release build's WASM is cut into (app/src/pages/fetched.rs), as the JavaScript says that loads them.
//
// Usage: node dev/parts.mjs FOLDER
// Puts what is small and shared by parts into one file, since there are a hundred of them and each is a request of its
// own; then writes pkg/parts.json for the server: for each part the paths of its files.
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const loader = "pkg/__wasm_split.js";
const pack = "chunks.pack";
// A chunk of no more bytes is small. A page then fetches some kilobytes that it has no use for, in a third of the requests.
const SMALL = 5000;

const source = /fetch\(new URL\("\.\/([^"]+)", import\.meta\.url\)\)|packed\([^)]*\)/;
const chunks = new RegExp(`const (__chunk_\\d+) = makeLoad\\(\\(\\) => \\{\\s*const src = (?:${source.source})`, "g");
const parts = new RegExp(`__wasm_split_load_(\\w+) = wrapAsyncCb\\(makeLoad\\(\\(\\) => \\{\\s*const src = (?:${source.source})[^[]*\\[([^\\]]*)\\]`, "g");

// What each part loads: its own file, and those it shares with other parts; nothing when the WASM is one file.
export function filesOfParts(folder) {
  if (!existsSync(join(folder, loader))) return new Map();
  const text = readFileSync(join(folder, loader), "utf8");
  const shared = new Map([...text.matchAll(chunks)].map(([, name, file]) => [name, file ?? pack]));
  return new Map(
    [...text.matchAll(parts)].map(([, part, own, names]) => {
      const files = new Set([own, ...names.split(", ").flatMap((name) => shared.get(name) ?? [])]);
      return [part, [...files].map((file) => `pkg/${file}`)];
    }),
  );
}

const UNPACK = `let pack = undefined;
function packed(at, length) {
    pack ??= fetch(new URL("./${pack}", import.meta.url)).then((answer) => {
        if (!answer.ok) throw new Error("./${pack}: " + answer.status);
        return answer.arrayBuffer();
    });
    // Asked for again when it could not be fetched.
    pack.catch(() => { pack = undefined; });
    const headers = { "content-type": "application/wasm" };
    return pack.then((bytes) => new Response(new Uint8Array(bytes, at, length), { headers }));
}
`;

function packSmall(folder) {
  const text = readFileSync(join(folder, loader), "utf8");
  const packed = [];
  let at = 0;
  const rewritten = text.replaceAll(new RegExp(source, "g"), (fetched, file) => {
    const path = join(folder, "pkg", file ?? pack);
    if (!file?.startsWith("chunk_") || statSync(path).size > SMALL) return fetched;
    const bytes = readFileSync(path);
    packed.push(bytes);
    rmSync(path);
    at += bytes.length;
    return `packed(${at - bytes.length}, ${bytes.length})`;
  });
  if (packed.length === 0) return;
  writeFileSync(join(folder, "pkg", pack), Buffer.concat(packed));
  // Behind the imports, which come first.
  writeFileSync(join(folder, loader), rewritten.replace(/\n(?!import)/, `\n${UNPACK}`));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder] = process.argv.slice(2);
  packSmall(folder);
  const files = [...filesOfParts(folder)].map(([part, files]) => [part, files.map((file) => `/${file}`)]);
  if (files.length === 0) throw new Error(`${loader} names no part`);
  writeFileSync(join(folder, "pkg/parts.json"), JSON.stringify(Object.fromEntries(files)));
}
