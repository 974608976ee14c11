// The last step that cargo-leptos gives a style sheet: Lightning CSS, with the
// browsers named in Cargo.toml ([[workspace.metadata.leptos]] browserquery).
import { readFileSync, writeFileSync } from "node:fs";
import { transform } from "lightningcss";

const [file, minify] = process.argv.slice(2);
const version = (major, minor = 0) => (major << 16) | (minor << 8);
const { code } = transform({
  filename: file,
  code: readFileSync(file),
  minify: minify === "--minify",
  targets: { chrome: version(111), firefox: version(128), safari: version(16, 4) },
});
writeFileSync(file, code);
