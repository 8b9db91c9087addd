"""The command line of app.py."""

from __future__ import annotations

import socket
import sys

import pytest

import app
from demo import results
from eval.portal import Portal


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)


def test_by_default_only_this_computer_is_served() -> None:
    options = app.parse([])
    assert (options.host, options.port, options.share) == ("127.0.0.1", 7860, False)


def test_a_space_serves_every_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "someone/deadpan")
    assert app.parse([]).host == "0.0.0.0"


def test_settings_of_the_environment_are_used_and_the_command_line_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_SERVER_NAME", "0.0.0.0")
    monkeypatch.setenv("GRADIO_SERVER_PORT", "7000")
    assert (app.parse([]).host, app.parse([]).port) == ("0.0.0.0", 7000)
    options = app.parse(["--host", "127.0.0.1", "--port", "7001", "--share"])
    assert (options.host, options.port, options.share) == ("127.0.0.1", 7001, True)


def test_the_page_compares_the_results_that_it_shows() -> None:
    assert app.referee() == Portal(results.FOLDER)


def test_without_locks_of_files_nothing_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows."""
    for name in ("eval.portal", "eval.store"):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fcntl", None)
    assert app.referee() is None


def test_anything_else_that_is_missing_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("eval.portal", "eval.store"):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ModuleNotFoundError, match="pyarrow"):
        app.referee()


def test_a_port_in_use_is_answered_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert app.main(["--port", str(port)]) == 1
    message = capsys.readouterr().err
    assert f"127.0.0.1:{port}" in message
    assert message.endswith("Try another --port.\n")
