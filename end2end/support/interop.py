"""Clients that nobody here wrote, against the gateway: requests, PyJWT and curl.

    interop.py keys FOLDER             makes private.pem and public.pem, of the curve P-256
    interop.py basic GATEWAY           prints the status of each request, in one line
    interop.py jwt GATEWAY FOLDER      the same
"""

import subprocess
import sys
from pathlib import Path

import jwt
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from requests.auth import HTTPBasicAuth


def keys(folder):
    pair = ec.generate_private_key(ec.SECP256R1())
    (Path(folder) / "private.pem").write_bytes(
        pair.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    (Path(folder) / "public.pem").write_bytes(
        pair.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return []


def basic(gateway):
    for password in ["alice-password", "wrong"]:
        yield requests.get(f"{gateway}/ip", auth=HTTPBasicAuth("alice", password)).status_code
        yield curl(gateway, "-u", f"alice:{password}")


def tokens(gateway, folder):
    private = (Path(folder) / "private.pem").read_text()
    stranger = ec.generate_private_key(ec.SECP256R1())
    for key, secret, algorithm in [
        ("alice-key", "alice-secret", "HS256"),
        ("pair-key", private, "ES256"),
        ("alice-key", "alice-secret", "HS512"),
        ("pair-key", stranger, "ES256"),
    ]:
        token = jwt.encode({"key": key, "exp": 4102444800}, secret, algorithm=algorithm)
        headers = {"Authorization": f"Bearer {token}"}
        yield requests.get(f"{gateway}/ip", headers=headers).status_code
    token = jwt.encode({"key": "alice-key"}, "alice-secret", algorithm="HS256")
    yield requests.get(f"{gateway}/ip", cookies={"jwt": token}).status_code
    yield curl(gateway, "-H", f"Authorization: Bearer {token}")
    yield curl(gateway, "-H", f"Authorization: Bearer {token}x")


def curl(gateway, *arguments):
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *arguments, f"{gateway}/ip"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


what, *arguments = sys.argv[1:]
print(*{"keys": keys, "basic": basic, "jwt": tokens}[what](*arguments))
