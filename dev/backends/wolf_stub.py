"""A stand-in for the Wolf RBAC server, for tests: it answers as the real one was seen to answer.

    python3 wolf_stub.py [CERTIFICATE KEY]

It picks a free port of 127.0.0.1 (https with a certificate), prints "listening on PORT", and ends when its standard
input is closed.

Users: alice (alice-pw, may do P1) and bob (bob-pw) of the application "myapp", carol (carol-pw) of "other".
Of both applications, GET /ip needs P1, /open is for all who are signed in, /admin… is for nobody.

As with the real server: a token carries the application that it was issued for, and that one decides, not the
argument appID; refusals of login and change_pwd have the status 200 with ok=false; a bad or missing token is 401
ERR_TOKEN_INVALID; a refusal of access is 403 with prose in "reason"; ids are numbers. Besides:

    POST /_fail     {"times": 3, "status": 500}: the next calls fail so
    POST /_answer   {"status": 200, "body": "..."}: the next call is answered so
    GET  /_calls    [[method, path, arguments], ...] since the start
"""

import base64
import hashlib
import hmac
import json
import ssl
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

APPLICATIONS = {"myapp", "other"}
USERS = {
    "alice": {"id": 3, "nickname": "Alice A\u00e9", "password": "alice-pw", "permissions": {"P1": True}, "apps": ["myapp"]},
    "bob": {"id": 4, "nickname": None, "password": "bob-pw", "permissions": {}, "apps": ["myapp"]},
    "carol": {"id": 5, "nickname": "Carol", "password": "carol-pw", "permissions": {"P1": True}, "apps": ["other"]},
}
RESOURCES = [("GET", "/ip", False, "P1"), ("ALL", "/open", False, "ALLOW_ALL"), ("ALL", "/admin", True, "DENY_ALL")]
KEY = b"of the stand-in"

calls = []
failing = {"times": 0, "status": 500}
answers = []


def text64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signature(text):
    return text64(hmac.new(KEY, text.encode(), hashlib.sha256).digest())


def issue(username, application):
    claims = {"id": USERS[username]["id"], "username": username, "appid": application, "exp": int(time.time()) + 86400}
    text = text64(b'{"alg":"HS256","typ":"JWT"}') + "." + text64(json.dumps(claims).encode())
    return text + "." + signature(text)


def claims_of(token):
    try:
        text, signed = token.rsplit(".", 1)
        if not hmac.compare_digest(signed, signature(text)):
            return None
        claims = json.loads(base64.urlsafe_b64decode(text.split(".")[1] + "=="))
        return claims if claims["exp"] > time.time() else None
    except (ValueError, IndexError, KeyError):
        return None


def who(username):
    user = USERS[username]
    return {"id": user["id"], "username": username, "nickname": user["nickname"]}


def all_of(username):
    user = USERS[username]
    more = {"email": username + "@example.org", "appIDs": user["apps"], "manager": None}
    return {**who(username), **more, "permissions": user["permissions"], "roles": {}}


def login(body):
    for field in ("username", "password", "appid"):
        if not body.get(field):
            return f"ERR_{field.upper()}_MISSING", None
    user = USERS.get(body["username"])
    if body["appid"] not in APPLICATIONS:
        return "ERR_APPID_NOT_FOUND", None
    if not user:
        return "ERR_USER_NOT_FOUND", None
    if user["password"] != body["password"]:
        return "ERR_PASSWORD_ERROR", None
    if body["appid"] not in user["apps"]:
        return "ERR_USER_APPIDS", None
    return "", {"userInfo": who(body["username"]), "token": issue(body["username"], body["appid"])}


def refusal_of(username, action, name):
    """Why the user may not do that; nothing when they may."""
    for method, path, is_prefix, permission in RESOURCES:
        if method in (action, "ALL") and (name == path or (is_prefix and name.startswith(path))):
            if permission == "ALLOW_ALL" or USERS[username]["permissions"].get(permission):
                return ""
            return f"resource '{name}' refused ({permission})"
    return f"resource '{name}' does not exist"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def say(self, status, ok, reason="", data=None, errmsg=None):
        answer = {"ok": ok, "reason": reason}
        if errmsg:
            answer["errmsg"] = errmsg
        if data is not None:
            answer["data"] = data
        self.send(status, json.dumps(answer).encode())

    def handle_any(self):
        url = urllib.parse.urlparse(self.path)
        arguments = dict(urllib.parse.parse_qsl(url.query))
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(raw or b"{}")
        if url.path == "/_fail":
            failing.update(body)
            return self.say(200, True)
        if url.path == "/_answer":
            answers.append(body)
            return self.say(200, True)
        if url.path == "/_calls":
            return self.send(200, json.dumps(calls).encode())
        calls.append([self.command, url.path, arguments])
        if answers:
            answer = answers.pop(0)
            return self.send(answer["status"], answer["body"].encode())
        if failing["times"] > 0:
            failing["times"] -= 1
            return self.say(failing["status"], False, "ERR_SERVER_ERROR")
        return self.of_wolf(url.path, arguments, body)

    def of_wolf(self, path, arguments, body):
        if (self.command, path) == ("POST", "/wolf/rbac/login.rest"):
            reason, data = login(body)
            return self.say(200, not reason, reason, data or {})
        token = self.headers.get("x-rbac-token")
        claims = claims_of(token) if token else None
        if not claims:
            return self.say(401, False, "ERR_TOKEN_INVALID", errmsg="TOKEN INVALID" if token else "TOKEN MISSING")
        username = claims["username"]
        if path == "/wolf/rbac/user_info":
            return self.say(200, True, data={"userInfo": all_of(username)})
        if (self.command, path) == ("POST", "/wolf/rbac/change_pwd"):
            if body.get("oldPassword") != USERS[username]["password"]:
                return self.say(200, False, "ERR_OLD_PASSWORD_INCORRECT", {}, "Old password is incorrect.")
            USERS[username]["password"] = body["newPassword"]
            return self.say(200, True, data={})
        if path == "/wolf/rbac/access_check":
            reason = refusal_of(username, arguments.get("action", ""), arguments.get("resName", ""))
            return self.say(403 if reason else 200, not reason, reason, {"userInfo": all_of(username)})
        return self.say(404, False, "ERR_REQUEST_NOT_FOUND")

    do_GET = do_POST = do_PUT = handle_any


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(f"listening on {server.server_address[1]}", flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


main()
