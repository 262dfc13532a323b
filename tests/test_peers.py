"""Peers: every adapter that ships loads or says why not; functions of a distribution are compiled alone."""

from __future__ import annotations

import sys
import types

import pytest

from detrace import suite
from verify.peers._source import definitions

SUITE = suite.load()
SOURCE = """
import nothing_of_this_name

@broken
def left_alone(): ...

def double(x: missing) -> missing:
    return helper(x) * 2

class Loss:
    def value(self, x):
        return x + self.shift
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A distribution `somegan 1.2` whose package cannot be imported."""
    info = tmp_path / "somegan-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: somegan\nVersion: 1.2\n")
    (tmp_path / "somegan").mkdir()
    (tmp_path / "somegan" / "losses.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("installed")
class TestDefinitions:
    """`definitions` on a distribution made for the test."""

    def test_compiles_the_named_functions_and_nothing_else(self):
        """A broken decorator, a missing import and annotations of unknown names beside it do no harm."""
        found = definitions("somegan", "somegan/losses.py", "double", helper=lambda x: x + 1)
        assert found.double(3) == 8
        assert vars(found).keys() == {"double"}
        assert found.double.__module__ == "somegan.losses"
        assert "somegan" not in sys.modules

    def test_a_method_becomes_a_function(self):
        """`Loss.value` takes any object as self."""
        found = definitions("somegan", "somegan/losses.py", "Loss.value")
        assert found.value(types.SimpleNamespace(shift=2), 3) == 5

    def test_a_class(self):
        """A class comes with its methods."""
        assert callable(definitions("somegan", "somegan/losses.py", "Loss").Loss().value)

    @pytest.mark.parametrize(
        ("asked", "says"),
        [
            (("othergan", "somegan/losses.py", "double"), "othergan is not installed"),
            (("somegan", "somegan/elsewhere.py", "double"), "somegan 1.2 has no file somegan/elsewhere.py"),
            (("somegan", "somegan/losses.py", "double", "triple"), "defines no triple"),
            (("somegan", "somegan/losses.py", "Loss.gradient"), "defines no Loss.gradient"),
            (("somegan", "somegan/losses.py", "double.value"), "defines no double.value"),
        ],
    )
    def test_says_what_is_missing(self, asked, says):
        """An ImportError, so that the peer counts as not installed, with the distribution, the file or the name."""
        with pytest.raises(ImportError, match=says):
            definitions(*asked)


def test_every_adapter_loads_or_gives_a_reason():
    """What loads offers contracts, names its distribution and is described; what does not load says why."""
    peers, absent = SUITE.peers()
    assert {p.name for p in peers} | set(absent) == set(SUITE.peer_names())
    for peer in peers:
        assert peer.functions, f"{peer.name} offers no contract"
        assert peer.version, f"{peer.name} names no installed distribution"
        assert peer.description.endswith((".", ")")), f"{peer.name} is not described"
        assert not set(peer.conventions) - set(peer.functions), f"{peer.name} states conventions of what it does not offer"
    for name, reason in absent.items():
        assert reason.startswith(("ImportError: ", "ModuleNotFoundError: ")), name


def test_modules_of_helpers_are_no_peers():
    """Names that begin with an underscore are not listed."""
    assert not [name for name in SUITE.peer_names() if name.startswith("_")]


def test_pinned_peers_are_those_that_are_compiled_from_source():
    """`peers-without-dependencies.txt` pins exactly the distributions whose files adapters compile."""
    lines = (SUITE.root / "peers-without-dependencies.txt").read_text().splitlines()
    pinned = {line.partition("==")[0].replace("_", "-").lower() for line in lines}
    folder = SUITE.root / "verify" / "peers"
    users = [f.read_text() for f in folder.glob("[!_]*.py") if "definitions(" in f.read_text()]
    named = {text.partition('REQUIRES = "')[2].partition('"')[0].replace("_", "-").lower() for text in users}
    assert pinned == named
