"""The Hub path end to end: the real command and the real client libraries against a hub on loopback."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from datasets import ClassLabel, Dataset, Features, Image, List, Value

from fer.types import EMOTIONS

ROOT = Path(__file__).resolve().parents[2]
COMMIT = "c0ffee" + "0" * 33 + "1"
NAMES = [*EMOTIONS, "unknown", "not_face", "no_majority"]
ANY = ("--framing", "tight")
GATED = (
    "is gated. Accept its terms on https://huggingface.co/datasets/someone/squares, log in with: hf auth login (or set "
    "HF_TOKEN), then run again."
)
PRIVATE = (
    "There is no dataset {} on the Hub, or it is private. Check the name; for a private one log in with: hf auth login "
    "(or set HF_TOKEN)."
)
# The card of a dataset that was published with push_to_hub lists splits that we never fetch.
CARD = b"""---
dataset_info:
  splits:
  - name: train
    num_examples: 4
  - name: test
    num_examples: 3
---
Grey squares.
"""


@dataclass
class Hub:
    """One dataset repository.

    files: path in the repository -> bytes. revisions: names that stand for ``commit``. serves_files: False for a hub
    that answers questions about the repository, but hands out no file. refusal: status and code of the answer to a
    request for a file, for a hub that wants a login. requests: "METHOD path" of each, in order.
    """

    repo: str
    commit: str
    files: Mapping[str, bytes]
    revisions: tuple[str, ...] = ("main",)
    serves_files: bool = True
    refusal: tuple[int, str] | None = None
    url: str = ""
    requests: list[str] = field(default_factory=list)

    def commit_of(self, revision: str) -> str | None:
        return self.commit if revision in (*self.revisions, self.commit) else None

    def entries(self, under: str) -> list[dict[str, object]]:
        """The tree listing below a folder ("" for the root), recursively."""
        inside = {p: data for p, data in self.files.items() if under in ("", *map(str, PurePosixPath(p).parents))}
        folders = {str(p) for path in inside for p in PurePosixPath(path).parents} - {".", under}
        files = [
            {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
            for path, data in inside.items()
        ]
        return [*({"type": "directory", "path": f, "size": 0, "oid": "0" * 40} for f in sorted(folders)), *files]


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            return

        def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for key, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _json(self, value: object, status: int = 200, **headers: str) -> None:
            kind = {"Content-Type": "application/json"}
            self._send(status, json.dumps(value).encode(), kind | {k.replace("_", "-"): v for k, v in headers.items()})

        def _missing(self, code: str, status: int = 404) -> None:
            self._json({"error": code}, status, X_Error_Code=code, X_Error_Message=code)

        def do_POST(self) -> None:
            path, length = unquote(urlsplit(self.path).path), int(self.headers["Content-Length"])
            hub.requests.append(f"POST {path}")
            asked = parse_qs(self.rfile.read(length).decode())["paths"]
            self._json([entry for entry in hub.entries("") if entry["path"] in asked])

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.requests.append(f"{self.command} {path}")
            api, resolve = f"/api/datasets/{hub.repo}", f"/datasets/{hub.repo}/resolve/"
            if path == api or path.startswith(f"{api}/"):
                self._api(path.removeprefix(api).strip("/").split("/"))
            elif path.startswith(resolve) and hub.refusal:
                self._missing(hub.refusal[1], hub.refusal[0])
            elif path.startswith(resolve) and hub.serves_files:
                self._resolve(*path.removeprefix(resolve).split("/", 1))
            else:
                self._missing("RepoNotFound")

        def _api(self, parts: list[str]) -> None:
            kind, revision = parts[0], parts[1] if len(parts) > 1 else "main"
            commit = hub.commit_of(revision)
            if commit is None:
                return self._missing("RevisionNotFound")
            if kind in ("", "revision"):
                siblings = [{"rfilename": name} for name in hub.files]
                return self._json({"id": hub.repo, "sha": commit, "private": False, "siblings": siblings})
            if kind == "tree":
                return self._json(hub.entries("/".join(parts[2:])))
            return self._missing("EntryNotFound")

        def _resolve(self, revision: str, name: str) -> None:
            commit, data = hub.commit_of(revision), hub.files.get(name)
            if commit is None:
                return self._missing("RevisionNotFound")
            if data is None:
                return self._json({}, 404, X_Error_Code="EntryNotFound", X_Repo_Commit=commit)
            told = {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
            part = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if part is None:
                return self._send(200, data, told)
            first, last = int(part[1]), min(int(part[2] or len(data)), len(data) - 1)
            told["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            return self._send(206, data[first : last + 1], told)

    return Handler


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Serve ``hub`` on a free port of 127.0.0.1 for the length of the block; its address is ``hub.url``."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _parquet(labels: list[str], pictures: list[bytes]) -> bytes:
    votes = List(Value("int8"), length=10)
    features = Features({"image": Image(), "label": ClassLabel(names=NAMES), "votes": votes})
    rows = {
        "image": [{"bytes": p, "path": None} for p in pictures],
        "label": [NAMES.index(name) for name in labels],
        "votes": [[10 * (name == label) for name in NAMES[:10]] for label in labels],
    }
    stream = io.BytesIO()
    Dataset.from_dict(rows, features).to_parquet(stream)
    return stream.getvalue()


@pytest.fixture
def hub(picture) -> Iterator[Hub]:
    train = ["happiness", "happiness", "happiness", "neutral"]
    test = ["happiness", "neutral", "unknown"]
    files = {
        "README.md": CARD,
        "data/train-00000-of-00001.parquet": _parquet(train, [picture(0)] * 4),
        "data/test-00000-of-00001.parquet": _parquet(test, [picture(1), picture(0), picture(2)]),
    }
    with serve(Hub("someone/squares", COMMIT, files, ("main", "v1"))) as running:
        yield running


def evaluate(
    endpoint: str, tmp_path: Path, dataset: str, *more: str, declared: str | None = "ferplus"
) -> subprocess.CompletedProcess[str]:
    """Run the command in its own process, with everything that it may write below tmp_path.

    declared: the benchmark; None for one that is made of the dataset.
    """
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    (tmp_path / "someone" / "squares").mkdir(parents=True, exist_ok=True)  # must not stand in for the repository
    places = ["--results", str(tmp_path / "results"), "--cache", str(tmp_path / "cache")]
    chosen = ["--benchmarks", declared] if declared else []
    command = [sys.executable, "-m", "eval", "run", "majority", *chosen, "--dataset", dataset, *more, *places]
    return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)


def test_a_run_from_the_hub_records_the_resolved_commit(hub, tmp_path):
    done = evaluate(hub.url, tmp_path, "someone/squares@v1")
    assert done.returncode == 0, done.stderr + "\n".join(hub.requests)
    result = json.loads((tmp_path / "results/majority/none/ferplus.json").read_text())
    assert result["dataset"] == {"id": "someone/squares", "revision": COMMIT, "from": "hub"}
    assert result["counts"]["n_scored"] == 2
    assert result["counts"]["n_outside_protocol"] == 1
    assert result["scores"]["accuracy"]["value"] == 0.5  # one of happiness, neutral
    assert result["recall"]["happiness"] == 1.0
    assert result["recall"]["neutral"] == 0.0
    assert f"GET /datasets/someone/squares/resolve/{COMMIT}/data/test-00000-of-00001.parquet" in hub.requests


def _sentence(done: subprocess.CompletedProcess[str], tmp_path: Path) -> str:
    """The only line on stderr of a run that failed and stored nothing."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert not (tmp_path / "results").exists()
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_a_missing_dataset_is_one_sentence(hub, tmp_path):
    done = evaluate(hub.url, tmp_path, "someone/squaers")
    assert _sentence(done, tmp_path) == PRIVATE.format("someone/squaers")


def test_a_missing_revision_is_one_sentence(hub, tmp_path):
    done = evaluate(hub.url, tmp_path, "someone/squares@v2")
    assert _sentence(done, tmp_path) == "The dataset someone/squares@v2 has no such revision on the Hub."


def test_no_network_is_one_sentence(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, but nothing listens: connections are refused
        started = time.perf_counter()
        done = evaluate(f"http://127.0.0.1:{unused.getsockname()[1]}", tmp_path, "someone/squares")
    assert _sentence(done, tmp_path) == (
        "The Hub could not be reached for the dataset someone/squares: there is no network, or it is down."
    )
    assert time.perf_counter() - started < 30


def test_another_cached_version_is_never_used_instead(hub, tmp_path):
    """``datasets`` may fall back to any version that it unpacked before; a result must name the version it is of."""
    assert evaluate(hub.url, tmp_path, "someone/squares").returncode == 0
    hub.commit, hub.serves_files = "beef" + "0" * 36, False
    (tmp_path / "results").rename(tmp_path / "first")
    assert "someone/squares@beef" in _sentence(evaluate(hub.url, tmp_path, "someone/squares"), tmp_path)


@pytest.mark.parametrize("streaming", [(), ("--streaming",)])
def test_a_benchmark_made_of_a_dataset_on_the_hub(hub, tmp_path, streaming):
    done = evaluate(hub.url, tmp_path, "someone/squares@v1", *ANY, *streaming, declared=None)
    assert done.returncode == 0, done.stderr + "\n".join(hub.requests)
    result = json.loads((tmp_path / "results/majority/none/hub_someone_squares_test.json").read_text())
    assert result["benchmark"]["name"] == "hub:someone/squares:test"
    assert result["dataset"] == {"id": "someone/squares", "revision": COMMIT, "from": "hub"}
    assert result["counts"]["n_scored"] == 2
    assert result["scores"]["accuracy"]["value"] == 0.5
    kept = [path for path in (tmp_path / "hf").rglob("*") if path.is_file() and path.stat().st_size > 1000]
    assert bool(kept) == (not streaming)  # a stream leaves no file of the dataset behind


@pytest.mark.parametrize("streaming", [(), ("--streaming",)])
@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (403, "GatedRepo", GATED),
        (401, "GatedRepo", GATED),
        (401, "RepoNotFound", PRIVATE.format(f"someone/squares@{COMMIT}")),
    ],
)
def test_files_that_need_a_login_are_one_sentence(hub, tmp_path, streaming, status, code, sentence):
    hub.refusal = (status, code)
    said = _sentence(evaluate(hub.url, tmp_path, "someone/squares", *ANY, *streaming, declared=None), tmp_path)
    assert said.endswith(sentence)


def test_a_declared_benchmark_on_a_gated_dataset_is_one_sentence(hub, tmp_path):
    hub.refusal = (403, "GatedRepo")
    assert _sentence(evaluate(hub.url, tmp_path, "someone/squares"), tmp_path).endswith(GATED)


def test_another_cached_version_never_makes_a_benchmark(hub, tmp_path):
    assert evaluate(hub.url, tmp_path, "someone/squares", *ANY, declared=None).returncode == 0
    hub.commit, hub.serves_files = "beef" + "0" * 36, False
    (tmp_path / "results").rename(tmp_path / "first")
    done = evaluate(hub.url, tmp_path, "someone/squares", *ANY, declared=None)
    assert "someone/squares@beef" in _sentence(done, tmp_path)
