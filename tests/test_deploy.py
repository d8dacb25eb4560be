"""What deploy/ installs: a narrow unit, a small image, a proxy that limits; and that they agree."""

from __future__ import annotations

import json
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from asking import LiveServer
from drawing import COLOURS, drawn_photo

from vitrina.serving.gate import PHOTO_ROUTE
from vitrina.settings import Settings

DEPLOY = Path(__file__).parent.parent / "deploy"
SETTINGS = {name: field.default for name, field in Settings.model_fields.items()}
LAMP = drawn_photo(COLOURS["lampy"], kind="JPEG")

needs_nginx = pytest.mark.skipif(
    not (shutil.which("nginx") and shutil.which("openssl")),
    reason="nginx and openssl are not installed here; the rules below are checked all the same",
)


# systemd


def unit() -> dict[str, list[str]]:
    """Values by directive, in their order."""
    values: dict[str, list[str]] = {}
    for line in (DEPLOY / "vitrina.service").read_text().splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            values.setdefault(name, []).append(value)
    return values


NARROW = {
    "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes",
    "PrivateDevices": "yes", "CapabilityBoundingSet": "", "AmbientCapabilities": "",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX", "RestrictNamespaces": "yes",
    "SystemCallArchitectures": "native", "MemoryDenyWriteExecute": "yes", "LimitCORE": "0",
    "UMask": "0077", "Restart": "on-failure",
}  # fmt: skip


def test_unit_is_narrow() -> None:
    found = unit()
    for name, value in NARROW.items():
        assert found[name] == [value], name
    assert found["User"] == ["vitrina"] != ["root"]
    assert found["SystemCallFilter"] == ["@system-service", "~@privileged"]
    (writable,) = found["ReadWritePaths"]
    assert f"--shop {writable}" in found["ExecStart"][0]
    assert found["WorkingDirectory"] == [writable]


def test_unit_lets_the_server_end_as_it_means_to() -> None:
    found = unit()
    # drained first, then closed: what is killed before that would have been answered
    assert int(found["TimeoutStopSec"][0]) > SETTINGS["drain_seconds"] + 3
    # decoders are not told to stop while photos are still with them
    assert found["KillMode"] == ["mixed"]
    # a decoder that takes too much memory is no reason to stop the server
    assert found["OOMPolicy"] == ["continue"]
    assert int(found["LimitNOFILE"][0]) > SETTINGS["connections"] + 256


def test_unit_lets_nobody_in_but_this_machine() -> None:
    found = unit()
    assert (found["IPAddressDeny"], found["IPAddressAllow"]) == (["any"], ["localhost"])
    assert SETTINGS["host"] == "127.0.0.1"


@pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd is not installed; rules are checked above"
)
def test_unit_as_systemd_sees_it(tmp_path: Path) -> None:
    # with commands that exist here, since systemd looks for them
    text = (DEPLOY / "vitrina.service").read_text()
    text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE)
    (tmp_path / "vitrina.service").write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "vitrina.service")]
    verified = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    said = verified.stdout + verified.stderr
    assert "vitrina.service" not in said, said
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", command[-1]],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    if "unrecognized option" in rated.stderr:
        return  # before systemd 250 it rates only what is installed
    assert rated.returncode == 0, rated.stdout[-300:]


# The image


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name.upper(), rest) for name, _, rest in (line.partition(" ") for line in lines)]


def test_image_serves_and_does_nothing_else() -> None:
    steps = instructions()
    assert [name for name, _ in steps].count("FROM") == 2
    built, final = "", []
    for name, rest in steps:
        if name == "FROM":
            final = []
        final.append((name, rest))
        built += f"{name} {rest}\n"
    # nothing but the environment comes over: no tools, no sources, no package cache
    assert [rest for name, rest in final if name == "COPY"] == [
        "--from=build /opt/vitrina /opt/vitrina"
    ]
    assert not {"ADD", "VOLUME"} & {name for name, _ in steps}
    assert not re.search(r"apt-get|curl|wget|tensorflow|keras|\[train\]|:latest", built)
    assert re.search(r"ARG BASE=python:3\.\d+-slim$", built, re.MULTILINE)
    # pinned, with the hash of every file, and nothing is compiled from sources
    (install,) = re.findall(r"^RUN .* install .*$", built, re.MULTILINE)
    for option in ("--require-hashes", "--only-binary :all:", "-r /build/constraints.txt"):
        assert option in install
    assert ("COPY", "deploy/constraints.txt /build/constraints.txt") in steps


def test_image_runs_as_nobody_in_particular() -> None:
    steps = dict(instructions())
    user, group = steps["USER"].split(":")
    assert int(user) > 1000
    assert int(group) > 1000
    assert steps["STOPSIGNAL"] == "SIGTERM"
    # as lists: through a shell, SIGTERM would not reach the server
    assert json.loads(steps["ENTRYPOINT"]) == ["python", "-m", "vitrina"]
    assert json.loads(steps["CMD"]) == ["serve", "--shop", "/shop"]
    assert steps["WORKDIR"] == "/shop"
    health = json.loads(steps["HEALTHCHECK"].partition("CMD ")[2])
    compile(health[2], "HEALTHCHECK", "exec")
    assert "/healthz" in health[2]


def test_image_names_real_settings() -> None:
    environment = dict(instructions())["ENV"]
    named = re.findall(r"VITRINA_(\w+)=", environment)
    assert named
    assert {name.lower() for name in named} <= set(SETTINGS)
    unit_environment = " ".join(unit()["Environment"])
    assert {name.lower() for name in re.findall(r"VITRINA_(\w+)=", unit_environment)} <= set(
        SETTINGS
    )


def test_no_shop_gets_into_the_image() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert [rule for rule in rules if rule.startswith("!")] == [
        "!deploy/constraints.txt", "!src/vitrina",
    ]  # fmt: skip


# nginx


def block(text: str, opening: str) -> str:
    """What stands between the braces that follow `opening`."""
    start = text.index("{", text.index(opening)) + 1
    depth, end = 1, start
    while depth:
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        end += 1
    return text[start : end - 1]


NGINX = re.sub(r"^\s*#.*\n", "", (DEPLOY / "nginx.conf").read_text(), flags=re.MULTILINE)


def test_proxy_limits_what_the_server_limits() -> None:
    assert NGINX.count("{") == NGINX.count("}")
    (megabytes,) = re.findall(r"^    client_max_body_size (\d+)m;", NGINX, re.MULTILINE)
    # a photo of max_photo_mb in a form must pass
    assert int(megabytes) * 2**20 >= SETTINGS["max_photo_mb"] * 1e6 + 65_536
    photo = block(NGINX, f"location = {PHOTO_ROUTE} ")
    assert "proxy_request_buffering off;" in photo  # else photos would lie on nginx's disk
    assert "limit_req zone=vitrina_photos" in photo
    (rate,) = re.findall(r"zone=vitrina_photos:\S+ rate=(\d+)r/s", NGINX)
    assert int(rate) * 60 == SETTINGS["photos_per_minute"]
    (seconds,) = re.findall(r"proxy_read_timeout (\d+)s;", NGINX)
    assert int(seconds) > SETTINGS["drain_seconds"]
    assert f"server {SETTINGS['host']}:{SETTINGS['port']};" in NGINX


def test_proxy_tells_who_asks_and_nobody_else_may() -> None:
    # set, not appended to: $proxy_add_x_forwarded_for would pass on what the client claims
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in NGINX
    assert "$proxy_add_x_forwarded_for" not in NGINX
    assert "127.0.0.1" in SETTINGS["trusted_proxies"]
    for route in ("/metrics", "/readyz"):
        assert "deny all;" in block(NGINX, f"location = {route} ")


def test_proxy_writes_nothing_of_what_was_searched() -> None:
    form = NGINX[NGINX.index("log_format vitrina") :].partition(";")[0]
    assert "$uri" in form
    assert not re.search(r"\$(request_uri|args|query_string|request\b|http_)", form)
    assert re.search(r"ssl_protocols +TLSv1\.2 TLSv1\.3;", NGINX)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def proxy(live_server: LiveServer, tmp_path: Path) -> Iterator[Callable[[str], httpx.Client]]:
    """Asks the real server through a real nginx with deploy/nginx.conf, from an address of ours."""
    openssl = [
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
        "/CN=shop.example", "-keyout", "privkey.pem", "-out", "fullchain.pem",
    ]  # fmt: skip
    subprocess.run(openssl, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    port = free_port()
    text = (DEPLOY / "nginx.conf").read_text()
    for here, there in (
        (r"/etc/ssl/vitrina/", f"{tmp_path}/"),
        (r"/var/log/nginx/", f"{tmp_path}/"),
        (r"server 127\.0\.0\.1:8000;", f"server 127.0.0.1:{live_server.port};"),
        (r"listen 80;", f"listen 127.0.0.1:{free_port()};"),
        (r"listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        (r" *listen \[::\].*\n", ""),
    ):
        text, changes = re.subn(here, there, text)
        assert changes, here
    (tmp_path / "vitrina.conf").write_text(text)
    places = "".join(
        f"{name}_temp_path {tmp_path}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;"
        f"events {{}} http {{ {places} include {tmp_path}/vitrina.conf; }}"
    )
    command = ["nginx", "-c", f"{tmp_path}/nginx.conf", "-e", f"{tmp_path}/error.log"]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    assert "[warn]" not in tested.stderr.replace('the "user" directive', "")
    nginx = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    certificate = ssl.create_default_context(cafile=str(tmp_path / "fullchain.pem"))
    certificate.check_hostname = False
    with ExitStack() as clients:

        def asking(address: str) -> httpx.Client:
            transport = httpx.HTTPTransport(verify=certificate, local_address=address)
            host = {"host": "shop.example"}
            client = httpx.Client(
                transport=transport, base_url=f"https://127.0.0.1:{port}", headers=host, timeout=30
            )
            return clients.enter_context(client)

        try:
            deadline = time.monotonic() + 30
            while not answers(port):
                assert nginx.poll() is None
                assert time.monotonic() < deadline
            yield asking
        finally:
            nginx.terminate()
            nginx.wait(timeout=30)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        time.sleep(0.02)
        return False
    return True


def clients_in_log(server: LiveServer, requests: set[str]) -> dict[str, str]:
    """How the server's log names who sent these requests, once it has all of them."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        lines = [json.loads(line) for line in list(server.said)]
        found = {line["request"]: line["client"] for line in lines if "request" in line}
        if requests <= set(found):
            return found
        time.sleep(0.02)
    raise AssertionError(f"The log does not have {requests - set(found)}")


@needs_nginx
def test_through_a_real_proxy(
    proxy: Callable[[str], httpx.Client], live_server: LiveServer, tmp_path: Path
) -> None:
    client, stranger = proxy("127.0.0.1"), proxy("127.0.0.2")
    found = client.post(PHOTO_ROUTE, content=LAMP, headers={"content-type": "image/jpeg"})
    assert found.json()["category"]["id"] == "lamps"
    assert found.headers["strict-transport-security"]
    form = client.post(PHOTO_ROUTE, files={"photo": ("a.jpg", LAMP, "image/jpeg")})
    assert form.json()["category"]["id"] == "lamps"
    kind, shop = {"content-type": "image/jpeg"}, "https://shop.example"
    large = client.post(PHOTO_ROUTE, content=bytes(30_000_000), headers=kind | {"origin": shop})
    assert large.headers["access-control-allow-origin"] == shop
    other = {"origin": "https://other.example"}
    larger = client.post(PHOTO_ROUTE, content=bytes(30_000_000), headers=kind | other)
    assert "access-control-allow-origin" not in larger.headers
    assert (large.status_code, large.json()["code"]) == (413, "photo_too_large")
    assert large.headers["content-type"] == "application/problem+json"
    # what a client claims to be does not arrive, its address does
    claims = {"x-forwarded-for": "127.0.0.1", "x-request-id": "mine"}
    assert client.get("/metrics", headers=claims).status_code == 200
    assert stranger.get("/metrics", headers=claims).status_code == 403
    assert stranger.get("/readyz", headers=claims).status_code == 403
    asked = [one.get("/v1/categories", headers=claims) for one in (client, stranger, client)]
    ids = [answer.headers["x-request-id"] for answer in asked]
    assert len(set(ids)) == 3
    named = clients_in_log(live_server, set(ids))
    assert named[ids[0]] == named[ids[2]] != named[ids[1]]
    words = client.get("/v1/search?q=SECRET")
    assert words.status_code == 200
    codes = [
        client.post(PHOTO_ROUTE, content=b"x", headers={"content-type": "image/jpeg"}).status_code
        for _ in range(20)
    ]
    assert 429 in codes
    written = (tmp_path / "vitrina.log").read_text() + (tmp_path / "error.log").read_text()
    assert found.headers["x-request-id"] in written
    assert "SECRET" not in written
    assert not list((tmp_path / "client_body").iterdir())
    assert live_server.process.poll() is None
