"""The pytest plugin: laws become items. It loads everywhere, so nothing heavy is imported before a law is met."""

from __future__ import annotations

import atexit
import gc
import os
import shlex
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .engine import Outcome
    from .session import Session

OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("subject", {"action": "append", "help": "what to judge: reference, peers, a peer, pkg.module[:attribute], file.py"}),
    ("family", {"action": "append", "help": "only laws of this family"}),
    ("law", {"action": "append", "help": "only this law"}),
    ("backend", {"action": "append", "help": "only this array library, e.g. numpy or torch-cuda"}),
    ("dtype", {"action": "append", "help": "only this dtype, e.g. float32"}),
    ("profile", {"help": "how hard to search: quick (default), ci, deep"}),
    ("require", {"action": "append", "help": "fail unless this space is here, e.g. cupy-cuda"}),
    ("results", {"help": "where the results file goes (default .detrace/results.json)"}),
    ("isolate", {"type": float, "metavar": "SECONDS", "help": "run subjects in a child process; a crash or hang is a result"}),
    ("rerun", {"metavar": "FILE", "help": "only what this results file says was violated, its inputs first"}),
    ("cli", {"action": "store_true", "help": "terminal output of the command line (internal)"}),
    ("command", {"metavar": "TEXT", "help": "what the results file names as the command (internal)"}),
)  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("detrace", "detrace: laws for numerical code")
    for name, settings in OPTIONS:
        group.addoption(f"--detrace-{name}", dest=f"detrace_{name}", default=None, **settings)


def session_of(config: pytest.Config) -> Session:
    """The one detrace session of this pytest run, made when first asked for."""
    found = getattr(config, "_detrace_session", None)
    if found is None:
        from .session import RequirementError, Session, SessionError

        command = config.option.detrace_command or shlex.join(["pytest", *config.invocation_params.args])
        try:
            found = Session.of(vars(config.option) | {"detrace_command": command})
        except RequirementError as error:
            pytest.exit(str(error), returncode=pytest.ExitCode.TESTS_FAILED)
        except SessionError as error:
            raise pytest.UsageError(str(error)) from None
        config._detrace_session = found  # type: ignore[attr-defined]
    return found


def collect_laws(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """For a suite's conftest.py: ``from detrace.plugin import collect_laws as pytest_collect_file``."""
    if file_path.suffix != ".py" or file_path.name in ("conftest.py", "__init__.py"):
        return None
    if "mutants" in file_path.parts or "peers" in file_path.parts:
        return None
    return LawFile.from_parent(parent, path=file_path)


class LawFile(pytest.File):
    """A module of laws."""

    def collect(self) -> list[pytest.Item]:
        session = session_of(self.config)
        here = str(self.path)
        return [
            LawItem.from_parent(
                self, name=f"{law.name}[{subject.name}-{space.id}]", law=law, subject=subject, space=space
            )
            for law, subject, space in session.plan.items
            if law.body.__code__.co_filename == here
        ]


class LawItem(pytest.Item):
    """One law, one subject, one space."""

    def __init__(self, *, law: Any, subject: Any, space: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.law, self.subject, self.space = law, subject, space
        if getattr(self.config.option, "loadgroup", False):
            self.add_marker(pytest.mark.xdist_group(law.base))

    def runtest(self) -> None:
        from . import engine

        session = session_of(self.config)
        outcome, data = session.run(self.law, self.subject, self.space)
        self.user_properties.append(("detrace", data))
        if outcome.outcome == engine.VIOLATED:
            if data["deviation"]:
                pytest.xfail(f"known deviation {data['deviation']}: {outcome.reason}")
            raise Violated(outcome, data)
        if outcome.outcome == engine.UNDECIDED:
            pytest.skip(f"undecided: {outcome.reason}")

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        if isinstance(excinfo.value, Violated):
            from .terminal import violation_text

            contracts = session_of(self.config).suite.contracts
            about = [f"{c} is {contracts[c].summary}" for c in self.law.contracts]
            parts = {name: draw.parts for name, draw in self.law.draws.items()}
            return violation_text(excinfo.value.data, self.law.formula, about, statement=self.law.statement, parts=parts)
        if isinstance(excinfo.value, pytest.xfail.Exception):
            return excinfo.value.msg  # the cause is in the ledger; pytest would quote the source of each frame (80 ms an item)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.law.body.__code__.co_firstlineno - 1, self.name


class Violated(Exception):
    """Carries a violated item to its report."""

    def __init__(self, outcome: Outcome, data: dict[str, Any]) -> None:
        super().__init__(outcome.reason)
        self.data = data


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    if config.option.detrace_cli and hasattr(config, "workerinput"):
        atexit.register(os._exit, 0)  # after every library's own handler: to take libraries and caches apart would be 5 s
    if any(getattr(config.option, f"detrace_{name}") for name, _ in OPTIONS):
        session_of(config)  # whatever is wrong with what was asked for is said before anything starts
    if config.option.detrace_cli and hasattr(config, "workerinput"):
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))  # Ctrl-C: the controller has all that was finished
    if config.option.detrace_cli:
        from .terminal import use_own_terminal

        use_own_terminal(config)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """For the command line: one worker has all items of a theorem, since its inputs, its oracle's answers and what a library
    compiles for their shapes serve all of them.

    ``--dist=loadgroup`` does the same by marks, but not with pytest 9.2 and pytest-xdist 3.8 (pytest-xdist#1386).
    """
    if not config.option.detrace_cli:
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByTheorem(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return theorem_of(nodeid)

    return ByTheorem(config, log)


def theorem_of(nodeid: str) -> str:
    """``law`` of ``verify/file.py::law.contract[subject-space]``."""
    return nodeid.rpartition("::")[2].partition("[")[0].partition(".")[0]


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.option.detrace_cli:
        spare_the_collector()


def spare_the_collector() -> None:
    """Libraries, laws and items stay to the end: collecting garbage need not go through them, a tenth of a long run."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        for name, data in report.user_properties:
            if name == "detrace":
                _collected.append(data)


_collected: list[Any] = []


def pytest_sessionstart(session: pytest.Session) -> None:
    _collected.clear()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    config = session.config
    found = getattr(config, "_detrace_session", None)
    if hasattr(config, "workerinput") or not _collected:
        if found is not None:
            found.close()
        return
    verdict = session_of(config).finish(_collected, interrupted=exitstatus == pytest.ExitCode.INTERRUPTED)
    if verdict and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    for line in verdict:
        _say(config, line)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if _collected:
        from .terminal import summary_lines

        terminalreporter.section("detrace")
        for line in summary_lines(session_of(config).results):
            terminalreporter.write_line(line)


def _say(config: pytest.Config, line: str) -> None:
    reporter = config.pluginmanager.getplugin("terminalreporter")
    if reporter is not None:
        reporter.ensure_newline()
        reporter.write_line(line, red=True)
    else:
        print(f"✘ {line}")
