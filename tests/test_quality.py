"""The tools that hold the code to its rules, and the wheel."""

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run_tool(name: str, *arguments: str) -> None:
    """Run a tool that is installed beside this interpreter; its findings are the failure's text."""
    tool = Path(sys.executable).parent / name
    if not tool.exists():
        pytest.skip(f"{name} is not installed")
    done = subprocess.run([tool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_lint() -> None:
    run_tool("ruff", "check", ".")


def test_format() -> None:
    run_tool("ruff", "format", "--check", ".")


def test_types() -> None:
    run_tool("mypy")


def test_layers() -> None:
    run_tool("lint-imports")


PACKAGES = sorted((ROOT / "rnncli").rglob("__init__.py"))


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_package_file_holds_a_docstring_and_nothing_else(path: Path) -> None:
    body = ast.parse(path.read_text("utf-8")).body
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)
    assert isinstance(body[0].value, ast.Constant)
    assert isinstance(body[0].value.value, str)


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "rnncli").rglob("*.py")}
    assert folders == {path.parent for path in PACKAGES}


def test_no_drawers() -> None:
    names = {path.stem for path in (ROOT / "rnncli").rglob("*.py")}
    assert not names & {"utils", "util", "helpers", "common", "base", "misc"}


def test_every_flow_of_training_data_stays_offline() -> None:
    network = {"socket", "urllib", "http", "requests", "httpx", "ftplib"}
    for path in (ROOT / "rnncli").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not {name.split(".")[0] for name in names} & network, path


def test_types_are_shipped() -> None:
    assert (ROOT / "rnncli" / "py.typed").exists()


@pytest.mark.slow
def test_the_wheel_builds_and_holds_the_package_alone(tmp_path: Path) -> None:
    arguments = ["-m", "pip", "wheel", "--no-deps", "--quiet", "-w", str(tmp_path), str(ROOT)]
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("rnncli-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "rnncli").rglob("*.py")}
    assert modules <= set(names)
    assert "rnncli/py.typed" in names
    assert {name.split("/")[0] for name in names} == {"rnncli", wheel.name.rsplit("-py3", 1)[0] + ".dist-info"}
    (entry,) = [name for name in names if name.endswith("entry_points.txt")]
    assert b"rnncli = rnncli.cli.app:main" in zipfile.ZipFile(wheel).read(entry)
