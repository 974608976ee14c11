#!/usr/bin/env python3
"""Measures the gateway beside nginx. Run it by `dev/bench gateway`; README.md says what is measured and how."""

import argparse
import base64
import contextlib
import hashlib
import hmac
import json
import os
import platform
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BASELINE = BENCH / "instructions.json"
#: How many times the saved instructions a request may take.
ALLOWED = 1.03
LUA_MODULES = "include /etc/nginx/modules-enabled/*.conf;"
#: Requests a second to a proxy that has nothing else to do.
IDLE = 500
#: The core of the proxies, and that of wrk and the server behind them.
PROXY_CORE, OTHER_CORE = "1", "0"


#: What programs are started with to run before all others on a busy machine.
REALTIME = []


class Server:
    """A process that listens, and what it has used."""

    def __init__(self, name, command, address=None, core=None, **options):
        self.name = name
        pinned = ["taskset", "-c", core, *command] if core else command
        self.process = subprocess.Popen(pinned, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)
        self.address = address or self.process.stdout.readline().strip()
        if not self.address:
            raise SystemExit(f"{name} did not start")
        wait_until_listening(self.address, self.process)

    def cpu_nanoseconds(self):
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads)

    def resident_bytes(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def stop(self):
        self.process.stdin.close()
        if "nginx" in self.name or self.name == "upstream":
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=120)


def wait_until_listening(address, process):
    host, port = address.rsplit(":", 1)
    for _ in range(60_000):
        if process.poll() is not None:
            raise SystemExit(f"the server for {address} ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(0.005)
    raise SystemExit(f"nothing listens on {address}")


def free_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % probe.getsockname()[1]


def nginx(kind, folder, core=None, prefix=(), **values):
    """An nginx with the configuration of that name."""
    home = folder / kind
    home.mkdir(exist_ok=True)
    values |= {"ADDRESS": free_address(), "HOME": str(home), "BENCH": str(BENCH)}
    values["MODULES"] = LUA_MODULES if kind == "lua" else ""
    values["HTTP"] = fill((BENCH / f"{kind}.conf").read_text(), values)
    (home / "nginx.conf").write_text(fill((BENCH / "nginx.conf").read_text(), values))
    command = [*prefix, "nginx", "-c", str(home / "nginx.conf"), "-e", str(home / "start.log")]
    name = kind if kind == "upstream" else f"nginx {kind}"
    return Server(name, command, values["ADDRESS"], core)


def fill(text, values):
    return re.sub("@([A-Z]+)@", lambda match: values.get(match.group(1), match.group(0)), text)


def program():
    subprocess.run(["cargo", "build", "--locked", "--release", "-p", "loaded"], cwd=ROOT, check=True)
    return TARGET / "release/loaded"


def paced(server, options, rate, connections):
    """So many requests a second, whatever becomes of them (`paced.rs`): p50 and p99 in milliseconds from when each was due."""
    command = [*REALTIME, "taskset", "-c", OTHER_CORE, str(TARGET / "release/paced")]
    command += [server.address, *(str(number) for number in (options.consumers, rate, options.seconds, connections))]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def postern(binary, upstream, consumers, core=None, prefix=(), name="postern", kind=()):
    return Server(name, [*prefix, str(binary), upstream.address, str(consumers), *kind], core=core)


def write_keys(path, consumers):
    with path.open("w") as keys:
        for number in range(consumers):
            keys.write(f'"key-of-consumer-{number}" "consumer-{number}";\n')


def wrk(server, consumers, seconds, connections):
    """One burst of requests: requests per second, p50 and p99 in milliseconds, CPU in microseconds for each."""
    command = [*REALTIME, "taskset", "-c", OTHER_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    command += ["-s", str(BENCH / "requests.lua"), f"http://{server.address}/ip"]
    before = server.cpu_nanoseconds()
    environment = os.environ | {"BENCH_CONSUMERS": str(consumers)}
    text = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    spent = server.cpu_nanoseconds() - before
    requests = int(re.search(r"(\d+) requests in", text).group(1))
    failed = sum(int(n) for n in re.findall(r"Non-2xx or 3xx responses: (\d+)", text))
    failed += sum(int(n) for line in re.findall(r"Socket errors: (.*)", text) for n in re.findall(r"\d+", line))
    return {
        "rps": float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)),
        "p50": percentile(text, 50),
        "p99": percentile(text, 99),
        "cpu": spent / 1000 / requests,
        "rss": server.resident_bytes() / 1e6,
        "failed": failed,
        "requests": requests,
    }


def percentile(text, percent):
    """In milliseconds. Other lines of wrk's have percentages, too, but not in front."""
    number, unit = re.search(rf"^\s*{percent}%\s+([\d.]+)(us|ms|s|m)$", text, re.MULTILINE).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[unit]


def before_all_others(servers):
    for server in servers if REALTIME else ():
        subprocess.run(["chrt", "-a", "-r", "-p", "1", str(server.process.pid)], check=True)


def rounds(servers, options, consumers_of, burst=None):
    """Measures all servers in each round, in random order. The first round is for warming up."""
    burst = burst or (lambda server: wrk(server, consumers_of(server), options.seconds, options.connections))
    before_all_others([*servers, *options.behind])
    measured = {server.name: [] for server in servers}
    for number in range(options.rounds + 1):
        for server in random.sample(servers, len(servers)):
            result = burst(server)
            if result["failed"]:
                raise SystemExit(f"{server.name} failed {result['failed']} requests: nothing is measured")
            if number:
                measured[server.name].append(result)
        print(f"round {number} of {options.rounds}", file=sys.stderr)
    return measured


def spread(values, digits=2):
    if len(values) < 2:
        return f"{values[0]:.{digits}f}"
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{middle:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def ratios(measured, name, beside, field):
    return spread([one[field] / other[field] for one, other in zip(measured[name], measured[beside])])


def table(head, lines):
    return "\n".join(["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *lines]]) + "\n"


def compare(binary, folder, options):
    """Postern beside nginx in three shapes."""
    upstream = nginx("upstream", folder, OTHER_CORE)
    keys = folder / "keys"
    write_keys(keys, options.consumers)
    values = {"UPSTREAM": upstream.address, "KEYS": str(keys)}
    servers = [nginx(kind, folder, PROXY_CORE, **values) for kind in ("plain", "map", "lua")]
    servers.append(postern(binary, upstream, options.consumers, PROXY_CORE))
    if options.trained:
        servers.append(postern(options.trained, upstream, options.consumers, PROXY_CORE, name="postern, trained"))
    options.behind = [upstream]
    measured = rounds(servers, options, lambda _: options.consumers)
    for server in [*servers, upstream]:
        server.stop()
    fields = ["rps", "p50", "p99", "cpu", "rss"]
    lines = []
    for name, results in measured.items():
        middle = [f"{statistics.median(result[field] for result in results):.{0 if field == 'rps' else 2}f}" for field in fields]
        beside = [ratios(measured, name, rival, field) for rival in ("nginx plain", "nginx lua") for field in ("rps", "cpu")]
        lines.append([name, *middle, *beside])
    head = ["proxy", "requests/s", "p50 ms", "p99 ms", "CPU µs/request", "RSS MB"]
    head += ["requests/s : plain", "CPU : plain", "requests/s : Lua", "CPU : Lua"]
    title = f"## One core, key-auth, {options.consumers:,} consumers, {options.connections} connections\n\n"
    return title + table(head, lines) + f"\nMedians of {options.rounds} rounds of {options.seconds} s; quartiles in brackets.\n"


def latency(binary, folder, options):
    """What Postern adds to the latency of a request, and what nginx adds: idle, and at half of the load that the slower can bear."""
    direct = nginx("upstream", folder, OTHER_CORE)
    proxies = [nginx("plain", folder, PROXY_CORE, UPSTREAM=direct.address), postern(binary, direct, options.consumers, PROXY_CORE)]
    servers, options.behind = [direct, *proxies], []
    before_all_others(servers)
    most = [wrk(proxy, options.consumers, options.seconds, options.connections)["rps"] for proxy in proxies]
    half = int(min(most) / 2)
    loads = {"idle": (IDLE, 1), "half load": (half, options.connections)}
    bursts = {
        f"{name}: {rate:,} requests/s": lambda server, at=(rate, connections): paced(server, options, *at)
        for name, (rate, connections) in loads.items()
    }
    lines = [line for load, burst in bursts.items() for line in added(load, rounds(servers, options, None, burst))]
    for server in servers:
        server.stop()
    head = ["load", "", "without a proxy, ms", "nginx plain adds, ms", "postern adds, ms", "postern : nginx"]
    title = f"## Added latency, key-auth, {options.consumers:,} consumers\n\n"
    note = f"\nMedians of {options.rounds} rounds of {options.seconds} s; quartiles in brackets. Idle is one connection, half load {options.connections}.\n"
    return title + table(head, lines) + note


def added(load, measured):
    """What each proxy adds to a request in the same round; the ratio is that of the medians, since one round's may be of nearly nothing."""
    lines = []
    for field in ("p50", "p99"):
        direct = [result[field] for result in measured["upstream"]]
        theirs, ours = ([result[field] - without for result, without in zip(measured[name], direct)] for name in ("nginx plain", "postern"))
        ratio = statistics.median(ours) / statistics.median(theirs)
        lines.append([load, field, *(spread(values, 3) for values in (direct, theirs, ours)), f"{ratio:.2f}"])
    return lines


def scale(binary, folder, options):
    """The same with few and many consumers."""
    upstream = nginx("upstream", folder, OTHER_CORE)
    sizes = {f"{count:,}": count for count in (1000, 100_000, 1_000_000)}
    empty = postern(binary, upstream, 0, PROXY_CORE)
    idle = empty.resident_bytes()
    empty.stop()
    servers = [postern(binary, upstream, count, PROXY_CORE, name=name) for name, count in sizes.items()]
    memory = {server.name: (server.resident_bytes() - idle) / sizes[server.name] for server in servers}
    options.behind = [upstream]
    measured = rounds(servers, options, lambda server: sizes[server.name])
    for server in [*servers, upstream]:
        server.stop()
    lines = []
    for name, results in measured.items():
        middle = [f"{statistics.median(result[field] for result in results):.2f}" for field in ("p50", "p99", "cpu")]
        lines.append([name, *middle, ratios(measured, name, "1,000", "cpu"), ratios(measured, name, "1,000", "p50"), f"{memory[name]:.0f}"])
    head = ["consumers", "p50 ms", "p99 ms", "CPU µs/request", "CPU : 1,000", "p50 : 1,000", "bytes for each"]
    return "## From 1,000 to 1,000,000 consumers\n\n" + table(head, lines)


def change(binary, folder, options):
    """Twenty changes of the configuration under load."""
    upstream = nginx("upstream", folder, OTHER_CORE)
    server = postern(binary, upstream, options.consumers, PROXY_CORE)
    seconds = max(4, options.seconds)
    wrk(server, options.consumers, 1, options.connections)
    quiet = wrk(server, options.consumers, seconds, options.connections)
    command = ["taskset", "-c", OTHER_CORE, sys.executable, __file__, "--burst", server.address, str(options.consumers), str(seconds), str(options.connections)]
    load = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    took = []
    for _ in range(20):
        time.sleep((seconds - 1) / 20)
        took.append(int(server.tell("change")) / 1000)
    busy = json.loads(load.communicate()[0])
    server.stop()
    upstream.stop()
    if busy["failed"]:
        raise SystemExit(f"{busy['failed']} requests failed while the configuration changed")
    lines = [[f"{quiet['p50']:.2f} / {quiet['p99']:.2f}", f"{busy['p50']:.2f} / {busy['p99']:.2f}", f"{busy['requests']:,}", str(busy["failed"]), f"{statistics.median(took):.2f} / {max(took):.2f}"]]
    head = ["p50 / p99 ms, quiet", "p50 / p99 ms, 20 changes", "requests", "failed", "until enforced, median / longest ms"]
    return f"## Changes under load, {options.consumers:,} consumers\n\n" + table(head, lines)


def burst(address, consumers, seconds, connections):
    """For `change`: one burst from a process of its own."""
    server = type("Bare", (), {"address": address, "cpu_nanoseconds": lambda _: 0, "resident_bytes": lambda _: 0})()
    print(json.dumps(wrk(server, consumers, seconds, connections)))


def instructions(binary, folder, options):
    """Instructions of user space for each request, by cachegrind."""
    upstream = nginx("upstream", folder)
    keys = folder / "few-keys"
    write_keys(keys, 1000)
    values = {"UPSTREAM": upstream.address, "KEYS": str(keys)}
    ours = {
        "key-auth": lambda prefix: postern(binary, upstream, 1000, prefix=prefix),
        "key-auth and limit-count": lambda prefix: postern(binary, upstream, 1000, prefix=prefix, kind=["limited"]),
    }
    if options.trained:
        ours["key-auth, trained"] = lambda prefix: postern(options.trained, upstream, 1000, prefix=prefix)
        ours["key-auth and limit-count, trained"] = lambda prefix: postern(options.trained, upstream, 1000, prefix=prefix, kind=["limited"])
    theirs = {
        "nginx plain": lambda prefix: nginx("plain", folder, prefix=prefix, **values),
        "nginx map": lambda prefix: nginx("map", folder, prefix=prefix, **values),
    }
    starts = ours if options.check else ours | theirs
    counted = {name: (run(start, folder, 4800) - run(start, folder, 800)) / 4000 for name, start in starts.items()}
    upstream.stop()
    if options.save:
        known = known_instructions() | {platform.machine(): {name: round(counted[name]) for name in ours if "trained" not in name}}
        BASELINE.write_text(json.dumps(known, indent=2) + "\n")
    if options.check:
        check(counted)
    text = "## Instructions of user space for each request\n\n"
    beside = counted.get("nginx plain", float("nan"))
    names = {name: f"postern, {name}" if name in ours else name for name in counted}
    lines = [[names[name], f"{count:,.0f}", f"{count / beside:.2f}"] for name, count in counted.items()]
    return text + table(["proxy", "instructions", ": plain"], lines)


def known_instructions():
    return json.loads(BASELINE.read_text()) if BASELINE.exists() else {}


def check(counted):
    """Stops when a request takes more than it did when the figures were saved."""
    known = known_instructions().get(platform.machine())
    if known is None:
        print(f"nobody has saved figures for {platform.machine()}: nothing is compared", file=sys.stderr)
        return
    for name, before in known.items():
        now, allowed = counted[name], before * ALLOWED
        if now > allowed:
            raise SystemExit(
                f"a request with {name} takes {now:,.0f} instructions, {now / before:.3f} of what it took; at most "
                f"{allowed:,.0f} are allowed. If that is meant, run it with --save and say why in the commit."
            )
        print(f"{name}: {now:,.0f} instructions for each request, {now / before:.3f} of what is allowed to grow by 3 %", file=sys.stderr)


def run(start, folder, requests):
    log = folder / "cachegrind.log"
    log.unlink(missing_ok=True)
    prefix = ["valgrind", "--tool=cachegrind", "--cache-sim=no", f"--log-file={log}", "--cachegrind-out-file=/dev/null"]
    server = start(prefix)
    send(server.address, requests, 8)
    server.stop()
    return int(re.search(r"I\s+refs:\s+([\d,]+)", log.read_text()).group(1).replace(",", ""))


def send(address, requests, connections):
    """The same requests in the same order each time, one on each connection at a time."""
    host, port = address.rsplit(":", 1)
    streams = [socket.create_connection((host, int(port))) for _ in range(connections)]
    for number in range(requests // connections):
        for index, stream in enumerate(streams):
            key = (number * connections + index) % 1000
            stream.sendall(f"GET /ip HTTP/1.1\r\nHost: localhost\r\napikey: key-of-consumer-{key}\r\n\r\n".encode())
        for stream in streams:
            receive(stream)
    for stream in streams:
        stream.close()


def receive(stream):
    received = b""
    while b"\r\n\r\n" not in received:
        received += more(stream)
    head, _, body = received.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"not answered with 200: {head!r}")
    length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
    while len(body) < length:
        body += more(stream)


def more(stream):
    received = stream.recv(65536)
    if not received:
        raise SystemExit("a connection was closed before its answer was whole")
    return received


#: What alice signed with her key, and at the moment that `loaded` takes for now (as in spec and tests of hmac-auth).
TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJrZXkiOiJhbGljZS1rZXkiLCJleHAiOjQxMDI0NDQ4MDB9"
TOKEN += ".CJwa4B_3I1fpAdJwXFi5jKrSm8To0y7jFdjm9kyHrz8"
DATE = "Fri, 06 Sep 2024 06:41:29 GMT"


def signed(path):
    """alice's signature over a GET of that path (hmac-auth)."""
    text = f"alice-keyid\nGET {path}\ndate: {DATE}\n"
    made = base64.b64encode(hmac.new(b"alice-secret-key", text.encode(), hashlib.sha256).digest()).decode()
    fields = f'keyId="alice-keyid",algorithm="hmac-sha256",headers="@request-target date",signature="{made}"'
    return ["-H", f"Date: {DATE}", "-H", f"Authorization: Signature {fields}"]


def train(binary):
    """Requests of each kind for a program that takes down what it does with them."""
    folder = Path(tempfile.mkdtemp(prefix="postern-training-"))
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(["openssl", "req", "-x509", *key, *subject, *files], check=True, capture_output=True)
    (folder / "body").write_bytes(b"x" * 20_000)
    upstream = nginx("upstream", folder)
    server = postern(binary, upstream, 1000, kind=["trained", str(folder)])
    plain, secure = f"http://{server.address}", f"https://localhost:{server.tell('tls').rsplit(':', 1)[1]}"
    send(server.address, 40_000, 8)
    ask = lambda *arguments, expect="200": curl(expect, "--cacert", str(folder / "cert.pem"), *arguments)
    apikey = ["-H", "apikey: key-of-consumer-7"]
    for base, version in ((plain, "--http1.1"), (secure, "--http1.1"), (secure, "--http2")):
        ask(version, *apikey, base + "/ip?[1-4000]")
        ask(version, *apikey, base + "/limited?[1-2000]")
        ask(version, *apikey, "--data-binary", f"@{folder / 'body'}", base + "/ip?[1-500]")
        ask(version, "-u", "alice:alice-password", base + "/basic?[1-1000]")
        ask(version, "-H", f"Authorization: Bearer {TOKEN}", base + "/jwt?[1-1000]")
        ask(version, base + "/ip?[1-500]", expect="401")
        ask(version, base + "/nowhere?[1-200]", expect="404")
        for number in range(5):
            target = f"/hmac?{number}"
            ask(version, *signed(target), *[base + target] * 100)
    server.stop()
    upstream.stop()
    shutil.rmtree(folder)


def curl(expected, *arguments):
    """All over one connection. Each must be answered with that status."""
    more = ["-s", "--noproxy", "*"]
    outputs = ["-o", "/dev/null"] * len([argument for argument in arguments if argument.startswith("http")])
    text = subprocess.run(["curl", *more, "-w", "%{http_code}\n", *outputs, *arguments], check=True, capture_output=True, text=True).stdout
    found = set(text.split())
    if found != {expected}:
        raise SystemExit(f"answered with {found} instead of {expected}: curl {arguments}")


PARTS = {"compare": compare, "latency": latency, "scale": scale, "change": change, "instructions": instructions}
#: The parts that have a line for either build; the others measure the trained one if there is one.
OF_BOTH = ["compare", "instructions"]


def main():
    if sys.argv[1:2] == ["--train"]:
        return train(sys.argv[2])
    if sys.argv[1:2] == ["--burst"]:
        return burst(sys.argv[2], *(int(argument) for argument in sys.argv[3:]))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--consumers", type=int, default=100_000)
    parser.add_argument("--check", action="store_true", help="fail when a request takes more instructions than were saved")
    parser.add_argument("--save", action="store_true", help="remember the instructions for --check")
    parser.add_argument("--trained", type=Path, metavar="PROGRAM", help="measure a build that has learnt from requests, too")
    parser.add_argument("--realtime", action="store_true", help="measure in bursts of the real-time class, as root")
    options = parser.parse_args()
    if options.realtime:
        REALTIME.extend(["chrt", "-r", "1"])
    if options.check or options.save:
        options.only = "instructions"
    binary = program()
    load, cores = os.getloadavg(), os.cpu_count()
    how = " Measured in bursts of the real-time class." if options.realtime else ""
    text = f"Load average at the start: {load[0]:.1f} on {cores} cores.{how}\n\n"
    folder = Path(tempfile.mkdtemp(prefix="postern-bench-"))
    try:
        for name, part in PARTS.items():
            if options.only in (None, name):
                text += part(binary if name in OF_BOTH else options.trained or binary, folder, options) + "\n"
    finally:
        shutil.rmtree(folder)
    print(text)
    (TARGET / "bench").mkdir(exist_ok=True)
    (TARGET / "bench/gateway.md").write_text(text)


if __name__ == "__main__":
    main()
