// What a browser fetches, in KB (1000 bytes): as it is, and as brotli sends it. Fails when it is heavier than it may
// be: a file, or everything that must be there before a page of one part reacts (app/src/pages/fetched.rs).
// Usage: node dev/weigh.mjs FOLDER
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { filesOfParts, loader } from "./parts.mjs";

const [folder] = process.argv.slice(2);
// File, when it is fetched, and how many KB of brotli it may have.
const files = [
  ["pkg/postern.wasm", "every page", Infinity],
  ["pkg/postern.js", "every page", 15],
  ["pkg/postern.css", "every page", 20],
  ["editor.js", "the plugin dialogs only", 120],
];
// How many KB of brotli the first load of a part may have: WASM and JavaScript. Where most begin is `home`.
const firstLoads = { home: 295, lists: 358, consumers: 390, providers: 389, plugins: 408, services: 456 };

const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
const kb = (bytes) => (bytes / 1000).toFixed(0);
const tooHeavy = [];

function weigh(name) {
  const bytes = readFileSync(join(folder, name));
  return { raw: bytes.length, packed: brotliCompressSync(bytes, { params }).length };
}

function report(what, { raw, packed }, when, most) {
  console.log(`${what.padEnd(18)} ${kb(raw).padStart(5)} KB, ${kb(packed).padStart(4)} KB in brotli  (${when})`);
  if (packed > most * 1000) tooHeavy.push(`${what} may have ${most} KB in brotli`);
}

for (const [name, when, most] of files) {
  if (existsSync(join(folder, name))) report(name, weigh(name), when, most);
}
const parts = filesOfParts(folder);
if (parts.size > 0) {
  for (const [part, most] of Object.entries(firstLoads)) {
    const own = parts.get(part);
    if (!own) throw new Error(`${loader} names no part ${part}`);
    const all = ["pkg/postern.wasm", "pkg/postern.js", loader, ...own].map(weigh);
    const sum = all.reduce((sum, one) => ({ raw: sum.raw + one.raw, packed: sum.packed + one.packed }));
    report(part, sum, `first load, ${all.length} files`, most);
  }
}
if (tooHeavy.length > 0) {
  console.error(tooHeavy.join("\n"));
  process.exit(1);
}
