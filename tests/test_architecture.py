"""The arrows of the house: app.py -> demo -> fer <- eval, and inside fer papers never import each other.

app.py also hands the page what compares stored results, eval.portal.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN = {
    "fer": {"gradio", "plotly", "demo", "eval"},
    "eval": {"gradio", "demo"},
    "demo": {"eval"},
}


def imports(path: Path) -> set[str]:
    """Every module that a file imports, at any depth of its code."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            assert node.module is not None
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_follow_the_arrows(package: str) -> None:
    assert sources(package), f"{package} has no sources"
    for path in sources(package):
        wrong = {name for name in imports(path) if name.split(".")[0] in FORBIDDEN[package]}
        assert not wrong, f"{path.relative_to(ROOT)} imports {sorted(wrong)}"


def test_the_page_and_eval_meet_in_one_place() -> None:
    names = imports(ROOT / "app.py")
    assert {name for name in names if name.split(".")[0] == "eval"} == {"eval.portal", "eval.portal.Portal"}
    assert {name.split(".")[0] for name in names} & {"demo", "fer"} == {"demo"}


def test_results_are_drawn_in_two_places() -> None:
    """A report needs figures; running, scoring and the tables do not."""
    users = {p for p in sources("eval") if any(name.split(".")[0] == "plotly" for name in imports(p))}
    assert users == {ROOT / "eval" / f"{name}.py" for name in ("charts", "report")}


def test_facenet_is_imported_in_one_place() -> None:
    users = [p for p in sources("fer") + sources("eval") + sources("demo") if "facenet_pytorch" in imports(p)]
    assert users == [ROOT / "fer" / "faces.py"]


def test_rendering_stays_out_of_the_page() -> None:
    """OpenCV and numba come with requirements-train.txt: only puppets need them, only trainings need puppets."""
    scripts = {ROOT / "demo" / "examples" / "make_examples.py"}  # run by hand; the page shows what it made
    for path in {*sources("fer"), *sources("eval"), *sources("demo"), ROOT / "app.py"} - scripts:
        if path.is_relative_to(ROOT / "fer" / "puppets") or path.stem.endswith("_training"):
            continue
        names = imports(path)
        assert not {name.split(".")[0] for name in names} & {"cv2", "numba", "scipy"}, path
        assert not any(name.startswith("fer.puppets") for name in names), path


def test_the_engine_that_shares_runs_is_used_in_one_place() -> None:
    """It comes with requirements-eval.txt; one process does without it."""
    users = [p for p in sources("fer") + sources("eval") + sources("demo") if "accelerate" in imports(p)]
    assert users == [ROOT / "eval" / "team.py"]
    assert "accelerate" not in (ROOT / "requirements.txt").read_text(encoding="utf-8")


def test_papers_do_not_import_each_other() -> None:
    from fer.registry import MODEL_NAMES

    for name in MODEL_NAMES:
        others = {f"fer.models.{other}" for other in MODEL_NAMES if other != name}
        for path in (ROOT / "fer" / "models").glob(f"{name}*.py"):
            assert not imports(path) & others, path


def test_foundations_import_nothing_above_them() -> None:
    for name in ("types", "errors"):
        assert not {m for m in imports(ROOT / "fer" / f"{name}.py") if m.startswith("fer")}
    for name in ("images", "layers", "losses"):
        inside = {m for m in imports(ROOT / "fer" / f"{name}.py") if m.startswith("fer.")}
        assert all(m.startswith(("fer.types", "fer.errors")) for m in inside), inside


def test_importing_opens_no_weights_and_no_network() -> None:
    code = (
        "import sys, socket\n"
        "def refuse(*a, **k): raise AssertionError('network or weights touched by an import')\n"
        "socket.socket.connect = refuse\n"
        "import safetensors.torch\n"
        "safetensors.torch.load_file = refuse\n"
        "import fer, fer.train, fer.models.plain, fer.models.plain_training, fer.puppets.__main__, eval.cli\n"
        "heavy = {'facenet_pytorch', 'gradio', 'datasets', 'cv2', 'numba', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_what_runs_in_the_environment_of_a_peer_needs_nothing_of_ours() -> None:
    """Its fer may be another package, and it has no torch of ours."""
    own = ROOT / "eval"
    shared = [own / "__init__.py", own / "cited.py", own / "memory.py"]
    shared += [own / "foreign" / f"{name}.py" for name in ("__init__", "declaration", "frames", "worker")]
    peers = [path for path in (own / "peers").glob("*.py") if path.stem != "__init__"]
    for path in [*shared, *peers]:
        for name in imports(path):
            known = name.split(".")[0] in sys.stdlib_module_names | {"numpy"}
            ours = name in ("eval", "eval.cited", "eval.foreign", "eval.memory", "eval.memory.peak_memory_mb")
            ours |= name.startswith(("eval.foreign.declaration", "eval.foreign.frames"))
            assert known or ours, f"{path} imports {name}"


@pytest.mark.parametrize("command", [["list"], ["list", "--json"], ["table"], ["run", "--help"]])
def test_commands_that_compute_nothing_import_nothing_heavy(command: list[str]) -> None:
    code = (
        "import sys\n"
        "from eval.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'datasets', 'pandas', 'plotly', 'huggingface_hub', 'facenet_pytorch'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout


def test_no_file_loads_pickles() -> None:
    for path in sources("fer") + sources("eval") + sources("demo"):
        text = path.read_text(encoding="utf-8")
        loading = [line for line in text.splitlines() if "torch.load(" in line]
        assert all("weights_only=True" in line for line in loading), path  # a peer's, in its own environment
        assert "pickle" not in imports(path), path


def test_files_stay_small_enough_for_a_space() -> None:
    for folder in ("fer", "eval", "demo", "docs", "tests"):
        for path in (ROOT / folder).rglob("*"):
            assert not path.is_file() or path.stat().st_size < 10_000_000, f"{path} is too large for a Space"


def test_readme_is_short_and_starts_a_space() -> None:
    import yaml

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 200
    header = yaml.safe_load(text.split("---")[1])
    pinned = dict(
        line.split("#")[0].strip().split("==")
        for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    )
    assert header["sdk"] == "gradio"
    assert header["sdk_version"] == pinned["gradio"]
    assert (ROOT / header["app_file"]).is_file()
