"""AWS Secrets Manager on a loopback port, for tests: moto, with AWS's own answers to a refusal.

moto checks signatures and IAM policies once it is told to. But it answers a refusal as XML with status
403, and "not found" with status 404, where Secrets Manager answers 400 and {"__type": ..., "message": ...}
(AWS JSON 1.1). SDKs tell errors apart by that type, so the layer here restores it.

    python3 aws_secrets_manager.py [--stay]

It picks a free port, makes secrets and users, and prints one line of JSON: its address and the users'
keys. It ends when its standard input is closed, or with --stay when it is stopped. Beside the API it answers:

    GET    /_calls    {"GetSecretValue alice-credentials": 1, "AssumeRole <role> <external id> <session>": 1, ...}
                      since the start or the last DELETE
    DELETE /_calls
    POST   /_fail     {"times": 2, "type": "ThrottlingException", "status": 400, "message": "..."}
    POST   /_put      {"name": "alice-credentials", "value": "..."}: the secret has this text from now on
    POST   /_user     {"name": "least", "policy": "{...}"}: a user who may do that; answers the user's key
"""

import json
import logging
import re
import sys
import threading
import urllib.request
from io import BytesIO
from urllib.parse import parse_qs

import boto3
from moto.iam.access_control import IAMPolicyStatement
from moto.secretsmanager.models import secretsmanager_backends
from moto.secretsmanager.responses import SecretsManagerResponse
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

# What moto calls a refusal, and what Secrets Manager calls it.
NAMES = {
    "AccessDenied": "AccessDeniedException",
    "ExpiredToken": "ExpiredTokenException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
}

# The documentation's secrets, and one of every other kind.
SECRETS = {
    "alice-credentials": {
        "alice-key-auth": "alice-key",
        "password": "alice-password",
        "secret": "alice-secret",
        "secret-key": "alice-secret-key",
    },
    "redis": {"username": "api7", "password": "redis-api7"},
    "prod/app/db": {"n": 5, "t": True, "nested": {"a": "canary-nested"}, "empty": "", "password": "db-password"},
    "prod/app/plain": "nested-plain",
    "plain": "plain-secret",
    "not-json": "canary-text",
}

USERS = {
    "reader": ["secretsmanager:GetSecretValue"],
    "lister": ["secretsmanager:GetSecretValue", "secretsmanager:ListSecrets"],
    "nobody": [],
    "assumer": ["sts:AssumeRole"],
    "owner": ["secretsmanager:*"],
    "admin": ["iam:*"],
}


def resource_of(response):
    """The ARN that a policy's Resource is compared with. moto leaves this to each service, and compares with
    "*" where none is said, which no policy for certain secrets allows."""
    secret = response._get_param("SecretId")
    if not secret or secret.startswith("arn:"):
        return secret or "*"
    account, region = response.current_account, response.region
    known = secretsmanager_backends[account][region].secrets
    # A secret that is not there has no random characters behind its name.
    return known[secret].arn if secret in known else f"arn:aws:secretsmanager:{region}:{account}:secret:{secret}"


SecretsManagerResponse._determine_resource = resource_of
# As in AWS: "?" is any one character, and nothing else but "*" has a meaning.
IAMPolicyStatement._match = staticmethod(lambda pattern, text: re.fullmatch(wildcards(pattern), text))


def wildcards(pattern):
    return re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")


class AwsAnswers:
    """A WSGI layer around moto."""

    def __init__(self, moto):
        self.moto = moto
        self.calls, self.fail, self.lock = {}, {}, threading.Lock()
        self.owner, self.iam = None, None

    def __call__(self, environ, start_response):
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        if path == "/_put":
            return answer(start_response, 200, self.put(json.loads(body)))
        if path == "/_user":
            wanted = json.loads(body)
            return answer(start_response, 200, user(self.iam, wanted["name"], wanted["policy"]))
        with self.lock:
            if path == "/_calls":
                if method == "DELETE":
                    self.calls.clear()
                return answer(start_response, 200, self.calls)
            if path == "/_fail":
                self.fail = json.loads(body)
                return answer(start_response, 200, {})
            operation = environ.get("HTTP_X_AMZ_TARGET", "").rsplit(".", 1)[-1]
            if not operation:
                self.count_role(body)
                return self.forward_xml(environ, start_response)
            secret = json.loads(body or b"{}").get("SecretId", "")
            call = f"{operation} {secret}".strip()
            self.calls[call] = self.calls.get(call, 0) + 1
            if self.fail.get("times", 0) > 0:
                self.fail["times"] -= 1
                kind, message = self.fail["type"], self.fail.get("message", "Rate exceeded")
                return refuse(start_response, self.fail.get("status", 400), kind, message)
        return self.forward(environ, start_response)

    def count_role(self, body):
        """STS speaks another protocol, of forms and XML."""
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if form.get("Action") == "AssumeRole":
            call = " ".join(form.get(name, "-") for name in ("Action", "RoleArn", "ExternalId", "RoleSessionName"))
            self.calls[call] = self.calls.get(call, 0) + 1

    def forward_xml(self, environ, start_response):
        """moto wraps an error once more than AWS does, and SDKs then see none."""
        head = {}

        def take_head(status, headers, _exc_info=None):
            head.update(status=status, headers=headers)

        body = b"".join(self.moto(environ, take_head))
        body = body.replace(b"<Errors>", b"").replace(b"</Errors>", b"")
        headers = [(name, value) for name, value in head["headers"] if name.lower() != "content-length"]
        start_response(head["status"], [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def put(self, secret):
        """Through the API, as its owner does; a new secret is made. Answers the version's id."""
        name = secret["name"]
        content = {"SecretBinary": b"\x00\xff"} if secret.get("bytes") else {"SecretString": secret["value"]}
        try:
            made = self.owner.put_secret_value(SecretId=name, **content)
        except self.owner.exceptions.ResourceNotFoundException:
            made = self.owner.create_secret(Name=name, **content)
        return {"version": made["VersionId"]}

    def forward(self, environ, start_response):
        head = {}

        def take_head(status, headers, _exc_info=None):
            head.update(status=status, headers=headers)

        body = b"".join(self.moto(environ, take_head))
        status = int(head["status"].split()[0])
        if status < 400:
            start_response(head["status"], head["headers"])
            return [body]
        xml = re.search(rb"<Code>(.*?)</Code>.*?<Message>(.*?)</Message>", body, re.S)
        if xml:
            kind, message = (part.decode() for part in xml.groups())
            return refuse(start_response, 400, NAMES.get(kind, kind), message)
        told = json.loads(body)
        kind = told.get("__type") or dict(head["headers"]).get("x-amzn-errortype") or "InternalServiceError"
        message = told.get("message") or told.get("Message") or ""
        return refuse(start_response, 500 if status >= 500 else 400, kind, message)


def refuse(start_response, status, kind, message):
    return answer(start_response, status, {"__type": kind, "message": message})


def answer(start_response, status, content):
    body = json.dumps(content).encode()
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(body)))]
    start_response(f"{status} Answer", headers)
    return [body]


def furnish(address):
    """Makes the secrets and the users; answers the users' keys."""
    anyone = {"id": "AKIASEED", "secret": "not-checked-yet"}
    manager, iam, sts = (client(address, service, anyone) for service in ("secretsmanager", "iam", "sts"))
    for name, content in SECRETS.items():
        text = content if isinstance(content, str) else json.dumps(content)
        manager.create_secret(Name=name, SecretString=text)
    manager.create_secret(Name="binary", SecretBinary=b"\x00\xffcanary")
    manager.create_secret(Name="gone", SecretString="{}")
    manager.delete_secret(SecretId="gone", RecoveryWindowInDays=7)
    keys = {name: user(iam, name, policy(actions) if actions else None) for name, actions in USERS.items()}
    keys["session"] = session(iam, sts)
    return keys


def client(address, service, key):
    return boto3.client(
        service,
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id=key["id"],
        aws_secret_access_key=key["secret"],
    )


def policy(actions):
    allow = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [allow]})


def user(iam, name, document):
    iam.create_user(UserName=name)
    if document:
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


# A role's trust policy: who may assume it, as far as the role is concerned.
ANYONE = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [ANYONE]})


def session(iam, sts):
    iam.create_role(RoleName="reader-role", AssumeRolePolicyDocument=TRUST)
    document = policy(USERS["reader"])
    iam.put_role_policy(RoleName="reader-role", PolicyName="p", PolicyDocument=document)
    role = "arn:aws:iam::123456789012:role/reader-role"
    iam.create_role(RoleName="empty-role", AssumeRolePolicyDocument=TRUST)
    key = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return {"id": key["AccessKeyId"], "secret": key["SecretAccessKey"], "token": key["SessionToken"]}


def main():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = AwsAnswers(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    keys = furnish(address)
    # From now on signatures and policies are checked.
    request = urllib.request.Request(f"{address}/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"})
    urllib.request.urlopen(request).read()
    app.owner = client(address, "secretsmanager", keys["owner"])
    app.iam = client(address, "iam", keys["admin"])
    app.calls.clear()
    print(json.dumps({"address": address, "keys": keys}), flush=True)
    if "--stay" in sys.argv:
        threading.Event().wait()
    sys.stdin.read()


if __name__ == "__main__":
    main()
