// What a browser fetches, in KB (1000 bytes): as it is, and as brotli sends it. Fails when a file is heavier than it
// may be.
// Usage: node dev/weigh.mjs FOLDER
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const [folder] = process.argv.slice(2);
// File, when it is fetched, and how many KB of brotli it may have.
const files = [
  ["pkg/postern.wasm", "every page", Infinity],
  ["pkg/postern.js", "every page", 15],
  ["pkg/postern.css", "every page", 20],
  ["editor.js", "the plugin dialogs only", 120],
];

const kb = (bytes) => (bytes / 1000).toFixed(0);
const tooHeavy = [];
for (const [name, when, most] of files) {
  const file = join(folder, name);
  if (!existsSync(file)) continue;
  const bytes = readFileSync(file);
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  const packed = brotliCompressSync(bytes, { params }).length;
  console.log(`${name.padEnd(18)} ${kb(bytes.length).padStart(5)} KB, ${kb(packed).padStart(4)} KB in brotli  (${when})`);
  if (packed > most * 1000) tooHeavy.push(`${name} may have ${most} KB in brotli`);
}
if (tooHeavy.length > 0) {
  console.error(tooHeavy.join("\n"));
  process.exit(1);
}
