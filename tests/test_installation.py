"""The distribution as somebody else meets it: built, installed beside nothing but what it declares, and run in their folders.

Under the running interpreter nothing is downloaded: dependencies are links to its own, and pip, without an index, refuses what
is missing. Under other Pythons they come from the package index, all but torch.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import textwrap
import tomllib
import venv
import zipfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest
from conftest import ROOT
from packaging.requirements import Requirement

pytestmark = pytest.mark.xdist_group("installation")

ROOMS = {"detrace": "detrace", "reference": "detrace/_suite/reference", "verify": "detrace/_suite/verify",
         "bench": "detrace/_suite/bench"}  # fmt: skip
"""Where a wheel keeps each folder of the checkout."""

LAWS = ("--law", "log_determinant_is_the_trace", "--law", "log_determinant_is_linear_in_time", "--backend", "numpy")
RIGHT = """\
    import numpy as np
    from reference.constants import ONE  # their own package of this name

    def logdet_expm(A):
        from bench.late import same  # found when the function runs
        return ONE * same(np.trace(A, axis1=-2, axis2=-1).real)
    """
STARTS_WITHOUT_LIBRARIES = ("pytest", "click")
"""What the command's help and the plugin need, which is pure Python, so that another interpreter can use it too."""


def run(*command: object, cwd: Path, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command in a folder, with nothing of our own process's Python in its environment."""
    private = ("PYTHON", "PYTEST_", "COV_", "DETRACE_", "PIP_", "VIRTUAL_ENV")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(private)} | variables
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 or not check, done.stdout + done.stderr
    return done


def pip(*arguments: object, python: Path, cwd: Path) -> None:
    """The running interpreter's pip, at work on another environment, without an index."""
    run(sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "-q", *arguments, cwd=cwd)


def built(kind: str, source: Path, into: Path) -> Path:
    """The sdist or wheel of a folder, by the build backend."""
    code = f"import sys, setuptools.build_meta as backend; backend.build_{kind}(sys.argv[1])"
    into.mkdir(exist_ok=True)
    run(sys.executable, "-c", code, into, cwd=source)
    (found,) = into.iterdir()
    return found


def closure(names: tuple[str, ...]) -> dict[str, metadata.Distribution]:
    """These installed distributions and what they require, by name."""
    found: dict[str, metadata.Distribution] = {}
    todo = list(names)
    while todo:
        distribution = metadata.distribution(todo.pop())
        if distribution.name not in found:
            found[distribution.name] = distribution
            needs = map(Requirement, distribution.requires or ())
            todo += [r.name for r in needs if r.marker is None or r.marker.evaluate({"extra": ""})]
    return found


@dataclass
class Environment:
    """A virtual environment without pip, whose libraries are links to those of the running interpreter."""

    path: Path

    @classmethod
    def of(cls, path: Path, libraries: tuple[str, ...], interpreter: str = sys.executable) -> Environment:
        if interpreter == sys.executable:
            venv.create(path, with_pip=False, symlinks=True)
        else:
            run(interpreter, "-m", "venv", "--without-pip", path, cwd=path.parent)
        environment = cls(path)
        for distribution in closure(libraries).values():
            for top in {f.parts[0] for f in distribution.files or ()} - {"..", "__pycache__", "LICENSE", "pyproject.toml"}:
                if not top.endswith(".pth") and not (environment.site / top).exists():
                    (environment.site / top).symlink_to(Path(str(distribution.locate_file(top))))
        return environment

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    @property
    def site(self) -> Path:
        (found,) = (self.path / "lib").glob("python*/site-packages")
        return found

    def detrace(self, *arguments: object, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """The installed command."""
        return run(self.path / "bin" / "detrace", *arguments, cwd=cwd, check=check)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("installation")


@pytest.fixture(scope="module")
def checkout(place: Path) -> Path:
    """A copy of what the checkout holds, since a build writes beside its source."""
    copy = place / "checkout"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", ".detrace", "*.pyc")
    for room in (*ROOMS, "docs", "examples", "tests"):
        shutil.copytree(ROOT / room, copy / room, ignore=ignored)
    for file in ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile",
                 "constraints.txt"):  # fmt: skip
        shutil.copy(ROOT / file, copy / file)
    return copy


@pytest.fixture(scope="module")
def sdist(place: Path, checkout: Path) -> Path:
    return built("sdist", checkout, place / "sdist")


@pytest.fixture(scope="module")
def wheel(place: Path, sdist: Path) -> Path:
    """The wheel of the sdist, as pip and distributors build it."""
    with tarfile.open(sdist) as archive:
        archive.extractall(place / "unpacked", filter="data")
    (source,) = (place / "unpacked").iterdir()
    return built("wheel", source, place / "wheel")


@pytest.fixture(scope="module")
def installed(place: Path, wheel: Path) -> Environment:
    """The wheel in an environment of exactly what it declares. Without an index pip fails on anything undeclared or old."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    environment = Environment.of(place / "env", tuple(Requirement(d).name for d in settings["dependencies"]))
    pip("install", "--no-index", wheel, python=environment.python, cwd=place)
    return environment


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A project of somebody else, with packages called as ours are."""
    for name, text in {
        "user_pkg/__init__.py": "", "user_pkg/module.py": RIGHT,
        "user_pkg/wrong.py": textwrap.dedent(RIGHT).replace("ONE *", "2 * ONE *"),
        "reference/__init__.py": "", "reference/constants.py": "ONE = 1", "bench/late.py": "def same(x): return x",
        "verify/__init__.py": "raise RuntimeError('this is the user\\'s own verify')",
    }.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(text), encoding="utf-8")
    return tmp_path


def files_of(room: Path) -> set[str]:
    return {str(p.relative_to(room)) for p in room.rglob("*") if p.is_file()}


def missing(wheel: Path, checkout: Path) -> set[str]:
    """Files of the four rooms that a wheel lacks."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    due = {f"{inside}/{file}" for room, inside in ROOMS.items() for file in files_of(checkout / room)}
    return due - names


def test_the_wheel_holds_every_file_and_one_name(wheel, checkout):
    """Built from the sdist, it has all modules, templates and tables of the four rooms, and no top-level name but ours."""
    assert missing(wheel, checkout) == set()
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
        assert {t for t in tops if not t.endswith(".dist-info")} == {"detrace"}
        for room, inside in ROOMS.items():
            for file in files_of(checkout / room):
                assert archive.read(f"{inside}/{file}") == (checkout / room / file).read_bytes()


def test_a_forgotten_package_is_noticed(tmp_path, checkout):
    """A subpackage that pyproject.toml does not list is found missing, in every room that has one."""
    copy = shutil.copytree(checkout, tmp_path / "copy")
    settings = (copy / "pyproject.toml").read_text(encoding="utf-8")
    for package in ("detrace.oracles", "detrace._suite.verify.peers"):
        assert f'"{package}"' in settings
        settings = re.sub(rf'"{re.escape(package)}",', "", settings, count=1)
    (copy / "pyproject.toml").write_text(settings, encoding="utf-8")
    lost = missing(built("wheel", copy, tmp_path / "wheel"), checkout)
    assert {str(Path(f).parent) for f in lost} == {"detrace/oracles", "detrace/_suite/verify/peers"}


def test_the_sdist_brings_its_tests_and_documents(sdist, checkout):
    """Whoever has the sdist can run the tests, read the documents and the examples."""
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    due = {str(p.relative_to(checkout)) for p in checkout.rglob("*") if p.is_file()}
    ignored = {f for f in due if "egg-info" in f or f.startswith("build/")}
    assert due - ignored - names == set()


def test_install_from_the_sdist(installed, sdist, wheel, tmp_path):
    """pip builds and installs the sdist; what lies there is what the wheel brings."""
    pip("install", "--no-index", "--no-deps", "--no-build-isolation", "--no-compile", "--target", tmp_path / "site", sdist,
        python=Path(sys.executable), cwd=tmp_path)  # fmt: skip
    with zipfile.ZipFile(wheel) as archive:
        packed = {n for n in archive.namelist() if n.startswith("detrace/")}
    assert {f"detrace/{f}" for f in files_of(tmp_path / "site" / "detrace")} == packed


def test_the_installed_command_where_folders_have_our_names(installed, theirs):
    """`detrace verify user_pkg.module` beside their verify/, bench/, reference/: our laws judge, their code finds theirs."""
    done = installed.detrace("verify", "user_pkg.module", *LAWS, cwd=theirs)
    assert "user_pkg.module: 8 held, 0 violated, 0 undecided" in done.stdout, done.stdout
    page = installed.detrace("report", cwd=theirs).stdout.strip()
    assert "user_pkg.module" in Path(page).read_text(encoding="utf-8")
    done = installed.detrace("verify", "user_pkg.wrong", *LAWS, "--isolate", "60", cwd=theirs, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "✘ log_determinant_is_the_trace" in done.stdout
    assert "raised" not in done.stdout  # in the child process too, wrong is the value and not the import


def test_two_workers_and_another_import_mode(installed, theirs):
    """Their code finds their packages under xdist, without the cache, and with pytest's importlib mode too."""
    suite = installed.site / "detrace" / "_suite" / "verify"
    done = run(installed.python, "-m", "pytest", suite, "-q", "-n", "2", "-p", "no:cacheprovider", "--import-mode=importlib",
               "--detrace-subject=user_pkg.module", "--detrace-law=log_determinant_is_the_trace", "--detrace-backend=numpy",
               cwd=theirs)  # fmt: skip
    assert "4 passed" in done.stdout
    assert "user_pkg.module: 4 held" in done.stdout
    assert not (theirs / ".pytest_cache").exists()


def test_only_detrace_can_be_imported(installed, tmp_path):
    """After the installation nobody's `import verify` finds ours."""
    for name in ("verify", "reference", "bench", "tests"):
        done = run(installed.python, "-c", f"import {name}", cwd=tmp_path, check=False)
        assert f"No module named '{name}'" in done.stderr


UNRELATED = """\
    import sys
    import pytest

    def test_nothing_of_a_run_is_loaded():
        loaded = {m for m in sys.modules if m.partition(".")[0] in ("detrace", "numpy", "torch", "flint")}
        assert loaded <= {"detrace", "detrace.plugin"}

    @pytest.mark.parametrize("name", ["verify", "reference"])
    def test_their_own(name):
        assert __import__(name).__file__ == f"{__file__.rpartition('/')[0]}/{name}.py"
    """


@pytest.mark.parametrize("options", [(), ("-n", "2"), ("-p", "no:cacheprovider", "--import-mode=importlib")],
                         ids=lambda o: " ".join(o) or "plain")  # fmt: skip
def test_the_plugin_is_silent_and_cheap_elsewhere(installed, tmp_path, options):
    """In an unrelated project pytest says the same with and without the plugin, which loads one module and writes nothing."""
    (tmp_path / "test_theirs.py").write_text(textwrap.dedent(UNRELATED), encoding="utf-8")
    for name in ("verify.py", "reference.py"):
        (tmp_path / name).write_text("", encoding="utf-8")
    command = ("-m", "pytest", "-W", "error", "--strict-config", "--strict-markers", *options)
    said = []
    for extra in ((), ("-p", "no:detrace")):
        done = run(installed.python, *command, *extra, cwd=tmp_path, PYTHONPATH=str(tmp_path))
        lines = [x for x in done.stdout.splitlines() if not x.startswith("plugins:")]
        said.append([re.sub(r"in [\d.]+s", "", x) for x in lines])
    assert said[0] == said[1]
    assert "3 passed" in said[0][-1]
    assert not (tmp_path / ".detrace").exists()


def test_editable_install(place, checkout, theirs):
    """From a checkout: its own files run, their packages are found by their code, and ours have no top-level name."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = (*settings["project"]["dependencies"], *settings["build-system"]["requires"])
    environment = Environment.of(place / "editable", tuple(Requirement(d).name for d in needed))
    pip("install", "--no-index", "--no-build-isolation", "-e", checkout, python=environment.python, cwd=place)
    done = run(environment.python, "-c", "import detrace; print(detrace.__file__)", cwd=theirs)
    assert Path(done.stdout.strip()) == checkout / "detrace" / "__init__.py"
    done = environment.detrace("verify", "user_pkg.module", *LAWS, cwd=theirs)
    assert "user_pkg.module: 8 held, 0 violated, 0 undecided" in done.stdout
    done = run(environment.python, "-c", "import bench.late, reference; print(reference.__file__)", cwd=theirs)
    assert Path(done.stdout.strip()) == theirs / "reference" / "__init__.py"
    done = run(environment.python, "-c", "import reference", cwd=place, check=False)
    assert "No module named 'reference'" in done.stderr


def interpreter(version: str) -> str | None:
    """An interpreter of this minor version, on the path or among pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [shutil.which(f"python{version}"), *map(str, sorted(pyenv.glob(f"{version}.*/bin/python")))]
    for candidate in filter(None, found):
        if subprocess.run([candidate, "-c", ""], capture_output=True).returncode == 0:
            return candidate
    return None


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_other_pythons_start(wheel, tmp_path, version):
    """Where such an interpreter is: every module compiles without a warning, pip accepts the wheel, the command and the
    plugin start. The laws need NumPy and torch for that Python and are not run here."""
    other = interpreter(version)
    if other is None:
        pytest.skip(f"no Python {version} on this machine: nothing of this test was run")
    environment = Environment.of(tmp_path / "env", STARTS_WITHOUT_LIBRARIES, other)
    pip("install", "--no-index", "--no-deps", "--no-compile", wheel, python=environment.python, cwd=tmp_path)
    run(environment.python, "-W", "error", "-m", "compileall", "-q", environment.site / "detrace", cwd=tmp_path)
    (tmp_path / "test_one.py").write_text("def test_one(): pass", encoding="utf-8")
    for command, answer in (("detrace", "--help"), "verify"), (("pytest", "-W", "error", "test_one.py"), "1 passed"):
        done = run(environment.python, "-m", *command, cwd=tmp_path, PYTHONDONTWRITEBYTECODE="1")
        assert answer in done.stdout


def from_the_index(environment: Environment, *needed: str) -> None:
    """Wheels of what is needed, in the versions of constraints.txt; skips where no index answers, fails on what it lacks."""
    settings = {k: v for k, v in os.environ.items() if k.startswith("PIP_")}
    command = (sys.executable, "-m", "pip", "--python", environment.python, "--disable-pip-version-check", "-q", "install",
               "--no-compile", "--only-binary", ":all:", "-c", ROOT / "constraints.txt", "--retries", "1",
               "--timeout", "15")  # fmt: skip
    try:
        asked = run(*command, "packaging", cwd=environment.path, check=False, **settings)
    except subprocess.TimeoutExpired:
        asked = None
    if asked is None or asked.returncode:
        pytest.skip("no package index answers: nothing of this test was run")
    run(*command, *needed, cwd=environment.path, **settings)


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_other_pythons_judge(wheel, theirs, tmp_path, version):
    """Where such an interpreter and an index are: the wheel and all that it declares but torch, installed afresh, judge our
    references and their module right, their wrong one wrong, and make the page. torch is many times larger than all the rest;
    without it what NumPy can do is judged."""
    other = interpreter(version)
    if other is None:
        pytest.skip(f"no Python {version} on this machine: nothing of this test was run")
    environment = Environment.of(tmp_path / "env", (), other)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    from_the_index(environment, *(d for d in settings["dependencies"] if Requirement(d).name != "torch"))
    pip("install", "--no-index", "--no-deps", "--no-compile", wheel, python=environment.python, cwd=tmp_path)
    laws = (*LAWS, "--law", "exponential_is_its_series")
    done = environment.detrace("verify", "reference", "user_pkg.module", *laws, cwd=theirs)
    assert "user_pkg.module: 8 held, 0 violated, 0 undecided" in done.stdout, done.stdout
    assert re.search(r"reference: \d\d held, 0 violated, 0 undecided", done.stdout), done.stdout
    page = environment.detrace("report", cwd=theirs).stdout.strip()
    text = Path(page).read_text(encoding="utf-8")
    assert f"Python {version}." in text
    assert "torch-cpu</b> not asked for" in text
    spaces = environment.detrace("spaces", cwd=theirs).stdout
    assert "✘ torch-cpu      ModuleNotFoundError: No module named 'torch'" in spaces
    done = environment.detrace("verify", "user_pkg.wrong", *LAWS, cwd=theirs, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "✘ log_determinant_is_the_trace" in done.stdout
    assert "user_pkg.wrong: 4 held, 4 violated" in done.stdout
