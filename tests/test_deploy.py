"""The image, compose.yaml and the systemd units keep what docs/running.md promises of them.

No container engine is needed: the files are read, linted, and the health check is run.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from surveyapp.cli import parser
from surveyapp.config import Settings
from surveyapp.store.database import FAULTY_WAL

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
LONG_RUNNING = ("surveyapp-web", "surveyapp-worker")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("init", "web", "worker")
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
FINAL = DOCKERFILE.rpartition("\nFROM ")[2]
SETTINGS = {f"SURVEYAPP_{name.upper()}" for name in Settings.model_fields}
LEFT_OUT = {
    "SURVEYAPP_SECRET_KEY": "made in KEYS_DIR",
    "SURVEYAPP_CONTACT_KEYS": "made in KEYS_DIR",
    "SURVEYAPP_INSTRUMENTS_DIR": "the shipped ones",
    "SURVEYAPP_HEAD_DIR": "mailed instead",
    "SURVEYAPP_DRILL_IDENTITY": "the private key stays off the machine",
}
MOST_EXPOSED = 1.5
"""Of 10, by `systemd-analyze security`; up to 2 it calls OK."""


def settings_of(service: str) -> dict[str, str]:
    return {name: str(value) for name, value in SERVICES[service]["environment"].items()}


def target(volume: str) -> str:
    return re.sub(r"\$\{[^}]*\}", "variable", volume).split(":")[1]


def source(volume: str, of: str) -> str:
    assert target(volume) == of
    return volume.rpartition(":")[0]


# The image.


def test_the_image_is_linted() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_runs_as_nobody_special_and_tells_how_it_is() -> None:
    assert re.search(r"^USER (\d+):\d+$", FINAL, re.M)
    assert not re.search(r"^USER (0|root)", DOCKERFILE, re.M)
    assert re.search(
        r"^HEALTHCHECK .*\n? *CMD \[\"healthy\", \"http://127.0.0.1:8000/healthz\"\]", FINAL, re.M
    )
    assert "STOPSIGNAL SIGTERM" in FINAL
    assert 'ENTRYPOINT ["surveyapp"]' in FINAL
    # Who becomes another user last may not install after it.
    assert "RUN" not in FINAL.partition("\nUSER ")[2]


def test_the_image_has_a_sqlite_without_the_fault() -> None:
    number = re.search(r"^ARG SQLITE=sqlite-autoconf-(\d)(\d\d)(\d\d)\d\d$", DOCKERFILE, re.M)
    assert number
    assert tuple(int(part) for part in number.groups()) > FAULTY_WAL[1]
    assert re.search(r"^ARG SQLITE_SHA256=[0-9a-f]{64}$", DOCKERFILE, re.M)
    assert re.search(r"^ARG SQLITE_SHA3=[0-9a-f]{64}$", DOCKERFILE, re.M)
    assert "ADD --checksum=sha256:${SQLITE_SHA256} " in DOCKERFILE
    refused = re.search(r"sqlite_version_info < \((\d+), (\d+), (\d+)\)", FINAL)
    assert refused
    assert tuple(int(part) for part in refused.groups()) > FAULTY_WAL[1]


def test_the_image_takes_pinned_libraries_and_a_pinned_base() -> None:
    assert "--require-hashes" in DOCKERFILE
    base = re.search(r"^ARG DEBIAN=(\S+)$", DOCKERFILE, re.M)
    assert base
    assert re.fullmatch(r"debian:\d+\.\d+-slim", base[1])


def test_nothing_secret_can_get_into_the_image() -> None:
    kept = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in kept if line and not line.startswith("#")]
    assert rules[0] == "*"
    shipped = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.M)
    assert shipped == {name for line in copied for name in line.split()}
    assert not re.search(r"^(ARG|ENV) .*(PASSWORD|SECRET|TOKEN|CONTACT_KEYS)", DOCKERFILE, re.M)


# compose.yaml.


def test_compose_follows_the_specification() -> None:
    check = Path(sys.executable).with_name("check-jsonschema")
    words = [check, "--builtin-schema", "vendor.compose-spec", ROOT / "compose.yaml"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_only_the_proxy_is_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert SERVICES["proxy"]["ports"] == ["80:80", "443:443", "443:443/udp"]
    assert SERVICES["database"]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert "inside" not in SERVICES["proxy"]["networks"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_kept_small(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "cpus", "pids_limit", "restart"} <= set(service)
    # The image tells how the web server is.
    assert name == "web" or "healthcheck" in service
    assert not {"privileged", "network_mode", "pid", "devices"} & set(service)
    if name in OURS:
        assert "cap_add" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    image = SERVICES[name]["image"]
    assert "latest" not in image
    if name not in OURS:
        assert re.fullmatch(r"[a-z]+:\d+(\.\d+)?-[a-z0-9]+", image)


def test_the_server_is_not_newer_than_the_tools_of_the_image() -> None:
    server = re.fullmatch(r"postgres:(\d+)-\w+", SERVICES["database"]["image"])
    assert server
    assert f"postgresql-client-{server[1]} " in DOCKERFILE
    assert f"/usr/lib/postgresql/{server[1]}/bin/pg_dump" in DOCKERFILE


def test_each_process_runs_its_command() -> None:
    assert SERVICES["worker"]["command"] == ["worker"]
    assert SERVICES["web"]["command"][0] == "serve"
    assert SERVICES["init"]["command"][0] == "init"
    for name in OURS:
        words = [re.sub(r"\$\{.*", "a@example.org", w) for w in SERVICES[name]["command"]]
        assert parser().parse_args(words)


def test_the_others_wait_until_the_database_is_migrated() -> None:
    for name in ("web", "worker"):
        wanted = SERVICES[name]["depends_on"]["init"]["condition"]
        assert wanted == "service_completed_successfully"
    assert SERVICES["init"]["depends_on"]["database"]["condition"] == "service_healthy"
    assert SERVICES["init"]["restart"] == "no"


def test_what_init_prints_goes_to_no_log() -> None:
    assert SERVICES["init"]["logging"] == {"driver": "none"}
    unit = (DEPLOY / "systemd/surveyapp-init.service").read_text("utf-8")
    assert "StandardOutput=null" in unit


def test_keys_backups_and_data_lie_apart() -> None:
    data, keys, ledger, backups = SERVICES["web"]["volumes"]
    places = [
        source(data, "/data"),
        source(keys, "/keys"),
        source(ledger, "/ledger"),
        source(backups, "/backups"),
    ]
    assert len(set(places)) == 4
    assert settings_of("web")["SURVEYAPP_KEYS_DIR"] == "/keys"
    assert settings_of("web")["SURVEYAPP_DATA_DIR"] == "/data"
    assert (
        SERVICES["init"]["volumes"]
        == SERVICES["worker"]["volumes"]
        == [data, keys, ledger, backups]
    )


@pytest.mark.parametrize("name", OURS)
def test_every_setting_is_known_and_none_is_forgotten(name: str) -> None:
    named = {key for key in settings_of(name) if key.startswith("SURVEYAPP_")}
    assert named <= SETTINGS
    wanted = SETTINGS - set(LEFT_OUT) - {"SURVEYAPP_SMS_URL"}
    assert wanted <= named


def test_every_variable_stands_in_the_example() -> None:
    example = (DEPLOY / "example.env").read_text("utf-8")
    offered = set(re.findall(r"^([A-Z_]+)=", example, re.M))
    asked = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "compose.yaml").read_text("utf-8")))
    assert asked - {"SURVEYAPP_VERSION"} == offered


def test_no_secret_stands_in_a_file_of_the_repository() -> None:
    for path in (ROOT / "compose.yaml", DEPLOY / "example.env", DEPLOY / "systemd/surveyapp.env"):
        text = path.read_text("utf-8")
        assert not re.search(r"://[^/\s:@]+:[^@\s]+@", re.sub(r"#.*", "", text)), path
        assert not re.search(r"^\s*\w*(PASSWORD|SECRET_KEY|CONTACT_KEYS)\w*[=:] *\w", text, re.M), (
            path
        )
    database = SERVICES["database"]["environment"]
    assert database["POSTGRES_PASSWORD_FILE"].startswith("/run/secrets/")
    assert all("file" in secret for secret in COMPOSE["secrets"].values())


def test_the_proxy_writes_no_link_into_a_log() -> None:
    text = (DEPLOY / "Caddyfile").read_text("utf-8")
    matcher = re.search(r"@secret path (.+)", text)
    assert matcher
    assert {"/s/*", "/q/*", "/staff/welcome/*"} <= set(matcher[1].split())
    assert "log_skip @secret" in text
    assert "request>uri delete" in text
    assert settings_of("web")["SURVEYAPP_TRUSTED_PROXIES"] == "1"


def test_preparing_makes_folders_and_a_password_once(tmp_path: Path) -> None:
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    words = ["sh", str(tmp_path / "deploy/prepare")]
    subprocess.run(words, check=True, capture_output=True)
    settings = tmp_path / ".env"
    assert settings.stat().st_mode & 0o077 == 0
    settings.write_text(settings.read_text("utf-8").replace("=/srv/", f"={tmp_path}/srv/"), "utf-8")
    if not can_chown(tmp_path):
        pytest.skip("only root gives folders to another user")
    subprocess.run(words, check=True, capture_output=True)
    secrets = tmp_path / "srv/surveyapp-secrets"
    password = (secrets / "database-password").read_text("utf-8")
    assert re.fullmatch(r"[0-9a-f]{48}", password)
    login = secrets / "database-login"
    assert login.read_text("utf-8") == f"database:5432:surveyapp:surveyapp:{password}\n"
    assert login.stat().st_mode & 0o077 == 0
    assert {p.stat().st_uid for p in (tmp_path / "srv").glob("*-[klb]*")} == {10001}
    subprocess.run(words, check=True, capture_output=True)
    assert (secrets / "database-password").read_text("utf-8") == password


def can_chown(folder: Path) -> bool:
    tried = folder / "tried"
    tried.touch()
    return subprocess.run(["chown", "10001", tried], capture_output=True).returncode == 0


# systemd.


@pytest.fixture
def analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze is not on this machine")
    return found


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_units_are_sound_and_little_exposed(unit: Path, analyze: str, tmp_path: Path) -> None:
    for path in (*UNITS, *unit.parent.glob("*.timer")):
        text = path.read_text("utf-8").replace("/opt/surveyapp/bin/surveyapp", sys.executable)
        (tmp_path / path.name).write_text(text, "utf-8")
    done = subprocess.run([analyze, "verify", tmp_path / unit.name], capture_output=True, text=True)
    assert unit.stem not in done.stderr
    assert done.returncode == 0
    words = [analyze, "security", "--offline=yes", f"--threshold={int(MOST_EXPOSED * 10)}", unit]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-200:]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_units_run_commands_that_exist_with_settings_that_exist(unit: Path) -> None:
    text = unit.read_text("utf-8")
    command = re.search(r"^ExecStart=/opt/surveyapp/bin/surveyapp (.+)$", text, re.M)
    assert command
    assert set(re.findall(r"SURVEYAPP_[A-Z_]+", text)) <= SETTINGS
    if unit.stem in LONG_RUNNING:
        assert "TimeoutStopSec=15" in text
        assert "Restart=always" in text
    assert "User=surveyapp" in text
    assert "UMask=0077" in text


def test_the_example_settings_of_the_units_exist() -> None:
    text = (DEPLOY / "systemd/surveyapp.env").read_text("utf-8")
    assert set(re.findall(r"^(\w+)=", text, re.M)) <= {*SETTINGS, "ADMIN_EMAIL"}


# The health check.


@pytest.fixture
def answering() -> Iterator[HTTPServer]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            healthy = self.path == "/healthz" and self.headers["Host"] == "localhost"
            self.send_response(200 if healthy else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_health_check_tells_well_from_ill(answering: HTTPServer) -> None:
    base = f"http://127.0.0.1:{answering.server_port}"
    words = [sys.executable, str(DEPLOY / "healthy.py")]
    codes = [
        subprocess.run([*words, *address], capture_output=True).returncode
        for address in (
            [f"{base}/healthz"],
            [f"{base}/healthz?worker=1"],
            ["http://127.0.0.1:9/"],
            [],
        )
    ]
    assert codes == [0, 1, 1, 1]
