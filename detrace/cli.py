"""The command line: verify, bench, report, gate, init, laws, spaces. Heavy imports wait until a command needs them."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any

import click

USAGE = 2
INTERRUPTED = 130
DEFAULT_RESULTS = Path(".detrace/results.json")
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def _many(flag: str, text: str) -> Any:
    """An option that may be given several times."""
    return click.option(flag, multiple=True, metavar="NAME", help=text)


def _file(*flags: str, text: str, default: Path | None = None, metavar: str = "FILE") -> Any:
    kind = click.Path(path_type=Path)
    return click.option(*flags, type=kind, default=default, show_default=default is not None, metavar=metavar, help=text)


_SUBJECTS = click.argument("subjects", nargs=-1, metavar="[SUBJECT]…")
_RESULTS = _file("--results", text="The results file.", default=DEFAULT_RESULTS)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def app() -> None:
    """Is this implementation right, how accurate is it, and how fast, compared with the truth and its peers?

    Laws (theorems) are searched by Hypothesis, judged by certified oracles, and run on anybody's implementation.

    Start with `detrace verify mypkg.mymodule`, then `detrace report`. Exit status: 0 held, 1 violated or regressed, 2 usage.
    """


@app.command()
@_SUBJECTS
@_many("--family", "Only this family of laws; may be repeated.")
@_many("--law", "Only this law; may be repeated. `detrace laws` lists them.")
@_many("--backend", "Only this array library or device: numpy, torch, jax, strict, torch-cuda, …; may be repeated.")
@_many("--dtype", "Only this dtype: float32, float64, complex64, complex128, float16, bfloat16; may be repeated.")
@click.option(
    "--profile", metavar="NAME", help="How hard to search: quick (the default; a minute or two), ci, deep (hours, random)."
)
@_many("--require", "Fail at once, with status 1, unless this device is here, e.g. cupy-cuda; may be repeated.")
@click.option(
    "-n",
    "--workers",
    default="0",
    show_default=True,
    metavar="NUMBER",
    help="Worker processes: a number or `auto`; 0 for none.",
)
@click.option(
    "--isolate",
    type=float,
    metavar="SECONDS",
    help=(
        "Run subjects in a child process: a crash, or no answer for this long, is a result. The time includes the oracle's "
        "work on one call, so give it room: 60 suits most."
    ),
)
@click.option(
    "--rerun-failed",
    is_flag=True,
    help="Only what the results file says was violated, its inputs first; everything else in the file stays.",
)
@_RESULTS
def verify(
    subjects: tuple[str, ...], family: tuple[str, ...], law: tuple[str, ...], backend: tuple[str, ...], dtype: tuple[str, ...],
    profile: str | None, require: tuple[str, ...], workers: str, isolate: float | None, rerun_failed: bool, results: Path,
) -> None:  # fmt: skip
    """Judge implementations by the laws; write a results file.

    SUBJECT: what to judge. `reference` (ours), `peers` (installed public libraries), a peer's name, `pkg.module`,
    `pkg.module:object`, `contract=pkg.module:function`, `path/to/adapter.py`. Default: `[tool.detrace] subjects` of
    pyproject.toml, else reference.

    Examples: `detrace verify mypkg.linalg`, `detrace verify expm=mypkg.linalg:my_expm --backend torch`,
    `detrace verify peers -n auto`, `detrace verify --rerun-failed`. Status: 0 held, 1 violated, 2 usage, 130 interrupted
    (what was finished is kept).
    """
    import pytest

    if rerun_failed and subjects:
        _stop("--rerun-failed takes its subjects from the results file; leave out " + ", ".join(subjects))
    for name in ONE_THREAD:  # before NumPy is imported; small matrices gain nothing from threads
        os.environ.setdefault(name, "1")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    _add_working_directory()
    from .session import RequirementError, SessionError, check_required
    from .suite import suite_root

    try:
        check_required(require or ())
    except SessionError as error:
        _stop(str(error), 1 if isinstance(error, RequirementError) else USAGE)
    asked: dict[str, Any] = {
        "subject": subjects or ([] if rerun_failed else _configured_subjects()), "family": family, "law": law,
        "backend": backend, "dtype": dtype, "require": require,
    }  # fmt: skip
    root = suite_root()
    arguments = [str(root / "verify"), "-p", "detrace.plugin", "-p", "no:cacheprovider", "-p", "no:logging",
                 "--detrace-cli", "--tb=short",
                 f"--rootdir={root}", "-c", os.devnull, "--confcutdir", str(root / "verify")]  # fmt: skip
    arguments += [f"--detrace-{k}={v}" for k, vs in asked.items() for v in vs or ()]
    command = shlex.join(["detrace", *sys.argv[1:]])
    arguments += [f"--detrace-results={results.resolve()}", f"--detrace-command={command}"]
    if profile is not None:
        arguments.append(f"--detrace-profile={profile}")
    if isolate is not None:
        arguments.append(f"--detrace-isolate={isolate}")
    if rerun_failed:
        arguments.append(f"--detrace-rerun={results.resolve()}")
    if workers != "0":
        if workers != "auto" and not workers.isdigit():
            _stop(f"-n {workers}: give a number of worker processes or auto")
        arguments += ["-p", "xdist.plugin", "-n", workers]
    status = int(pytest.main(arguments))
    sys.exit({int(pytest.ExitCode.INTERRUPTED): 130, int(pytest.ExitCode.USAGE_ERROR): USAGE}.get(status, status))


@app.command()
@_SUBJECTS
@_many("--family", "Only this family; may be repeated.")
@click.option("--suite", "suite_speed", is_flag=True, help="Also measure the suite's own speed.")
@click.option("--full", is_flag=True, help="All sizes, more rounds.")
@_RESULTS
def bench(subjects: tuple[str, ...], family: tuple[str, ...], suite_speed: bool, full: bool, results: Path) -> None:
    """Time implementations of one contract side by side, interleaved in one run; add to the results file."""
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    _add_working_directory()
    from . import results as store
    from .plan import Selection, make
    from .suite import load

    try:
        suite = load()
        specs = tuple(subjects or _configured_subjects() or ("reference", "peers"))
        plan = make(suite, Selection(specs))
        document = store.read(results) if results.exists() else store.describe(suite, plan, [])
    except ValueError as error:
        _stop(str(error))
    import bench as cases
    from bench import suite_speed as own

    from .timing.limits import held_back

    for name, value in held_back().items():
        print(f"  note: {name}={value} is set and slows what obeys it; unset it to compare libraries fairly.")
    document |= cases.run(
        suite, plan.subjects, families=family or None, quick=not full, progress=lambda text: print(f"  {text}", flush=True)
    )
    if suite_speed:
        document["suite_speed"] = own.measure()
    store.write(document, results)
    print(f"results: {results}")


@app.command()
@_RESULTS
@_file("-o", "--output", text="Where the page goes; by default beside the results.")
@_file(
    "--history",
    metavar="FOLDER",
    text="Draw the trend from what `detrace gate --history` kept here, of the machine that ran last.",
)
def report(results: Path, output: Path | None, history: Path | None) -> None:  # fmt: skip
    """Build the page from a results file."""
    from . import report as page
    from . import results as store

    trend = None
    try:
        document = store.read(results)
        if history:
            from .gate import history as kept

            trend = kept.trend(kept.newest(history))
    except ValueError as error:
        _stop(str(error))
    target = output or results.with_name("report.html")
    try:
        page.write(document, target, trend)
    except OSError as error:
        _stop(f"the page cannot be written to {target}: {error.strerror}; name another file with -o")
    print(target.resolve())


@app.command()
@_SUBJECTS
@click.option("--base", metavar="REF", help="Compare the working tree with its merge base with this branch, tag or commit.")
@_file("--baseline", text="Compare with a stored baseline.")
@_file("--write-baseline", text="Store this machine's baseline; with --results what the laws found as well.")
@_many(
    "--kernel",
    "Only this benchmark, by contract, case or id; may be repeated. Default: `[tool.detrace] gate`, else the headline cases.",
)
@_many("--backend", "Only this space, e.g. torch-cpu; may be repeated.")
@click.option("--dtype", default="float64", show_default=True, metavar="NAME", help="float64 or float32.")
@_file("--results", text="Head's results file: gates what the laws found, and gets the gate's outcome for the page.")
@_file("--base-results", text="Base's results file, which head's is held against.")
@_file("--history", metavar="FOLDER", text="Keep this run, e.g. in reports/history.")
@_file("--json", text="The outcome as JSON.", default=Path(".detrace/gate.json"))
@_file("--junit", text="The outcome as JUnit XML.")
@_file("--markdown", text="The outcome as a comment for a pull request.")
def gate(
    subjects: tuple[str, ...], base: str | None, baseline: Path | None, write_baseline: Path | None, kernel: tuple[str, ...],
    backend: tuple[str, ...], dtype: str, results: Path | None, base_results: Path | None, history: Path | None, json: Path,
    junit: Path | None, markdown: Path | None,
) -> None:  # fmt: skip
    """Fail if something became slower or less right than its base.

    Examples: `detrace gate --base origin/main`, `detrace gate --write-baseline baseline.json` and later
    `detrace gate --baseline baseline.json`. Status: 0 passed, 1 regressed, 2 usage. Noise never fails: docs/gate.md.
    """
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    _add_working_directory()
    from .gate import command
    from .gate.run import Asked

    try:
        status = command.gate(
            Asked(
                subjects=subjects or _configured("subjects") or ["reference"], kernels=kernel or _configured("gate"),
                backends=backend or (), dtype=dtype, removed=_configured("removed"), progress=_say,
            ),
            command.Files(base, baseline, write_baseline, results, base_results, history, json, junit, markdown),
        )  # fmt: skip
    except ValueError as error:
        _stop(str(error))
    sys.exit(status)


@app.command()
def init() -> None:
    """Set detrace up for the project here: an adapter file, a GitHub Actions workflow, a table in pyproject.toml.

    Reads the project's source for functions that look like contracts and suggests them in the adapter. Never overwrites.
    """
    from . import starter
    from .suite import load

    try:
        print(starter.said(starter.start(Path.cwd(), load().contracts)))
    except starter.StarterError as error:
        _stop(str(error))


@app.command()
@_many("--family", "Only this family.")
@click.option("-l", "--long", is_flag=True, help="With statements, sources and mutants.")
def laws(family: tuple[str, ...], long: bool) -> None:
    """The catalogue: every law with its formula and what it asks for."""
    from .suite import load

    suite = load()
    mutants = list(suite.mutants().values()) if long else []
    if unknown := set(family or ()) - set(suite.families):
        _stop(f"unknown family {unknown.pop()!r}; there are {', '.join(suite.families)}")
    for f in sorted(suite.families.values(), key=lambda f: f.order):
        if family and f.name not in family:
            continue
        print(f"{f.title}  [{f.name}]")
        for c in suite.contracts.values():
            if c.family == f.name:
                print(f"    {c.name:<26} {c.signature:<28} {c.summary}")
        print()
        for law in (x for x in suite.laws.values() if suite.family_of(x) == f.name):
            print(f"  {law.name}({', '.join(law.contracts)})")
            print(f"    {law.formula}")
            if long:
                print("\n".join(f"    {line}" for line in law.statement.splitlines()))
                print(f"    source: {'; '.join(law.sources)}")
                for m in mutants:
                    if m.rejects(law):
                        print(f"    rejects: {m.name} — {m.trap}")
        print()


@app.command()
def spaces() -> None:
    """Which array libraries and devices are here, and why the others are not."""
    from .spaces import backends, probe

    for backend_id, backend in backends().items():
        reason = probe(backend_id)
        about = reason or f"{backend.version():<14} {', '.join(backend.dtypes)}"
        print(f"  {'✘' if reason else '✔'} {backend_id:<14} {about}")


def _configured_subjects() -> list[str]:
    return _configured("subjects")


def _configured(key: str) -> list[str]:
    """A list of strings from ``[tool.detrace]`` of the pyproject.toml here; empty without one."""
    import tomllib

    path = Path("pyproject.toml")
    if not path.is_file():
        return []
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("detrace", {})
    except tomllib.TOMLDecodeError as error:
        _stop(f"pyproject.toml is not valid TOML: {error}")
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(s, str) for s in value):
        example = {"subjects": "mypkg.losses", "gate": "expm", "removed": "expm[n=2,batch=1]"}[key]
        _stop(f'pyproject.toml: [tool.detrace] {key} must be a list of strings, e.g. ["{example}"]')
    return value


def _add_working_directory() -> None:
    """The user's modules are found from where they stand, as with ``python -m``."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    parts = [here, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(parts))


def _stop(message: str, status: int = USAGE) -> Any:
    print(f"detrace: {message}", file=sys.stderr)
    raise SystemExit(status)


def _say(text: str) -> None:
    print(f"  {text}", flush=True)


def main(typed: list[str] | None = None) -> None:
    """Entry point of the command ``detrace``: what makes no sense is one sentence, and status 2."""
    try:
        status = app.main(typed, prog_name="detrace", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message())
        status = USAGE
    except click.UsageError as error:
        first = (sys.argv[1:] if typed is None else typed)[0]
        where = f"detrace {first}" if first in app.commands else "detrace"
        print(f"{where}: {error.format_message().rstrip('.')} (`{where} --help`)", file=sys.stderr)
        status = USAGE
    except click.Abort:
        print("detrace: interrupted", file=sys.stderr)
        status = INTERRUPTED
    except BrokenPipeError:  # the reader has gone, as `head` does; nothing is left to flush at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status)
