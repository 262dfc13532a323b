"""The page's sections on the gate and on its trend: told at a glance, on one axis, and small."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from page_data import TRENDED, gate, kernel, results, trend, violated
from test_report import Page, parts

from detrace.gate import history
from detrace.gate.trees import GateError
from detrace.report import render
from detrace.report.forest import Interval, Scale
from detrace.report.trend import change


@pytest.fixture(scope="module")
def page() -> str:
    """Without a gate."""
    return render(results())


def gated(**changes: Any) -> str:
    return render(results() | {"gate": gate() | changes})


def test_a_gate_is_told_at_a_glance() -> None:
    """Failed or passed in the first line, in the first figures and in the section, with what failed, also without a script."""
    text = Page(gated()).text
    assert "✕ The gate failed; everything that could be decided held, but for 1 known violation by public libraries." in text
    assert "Gate failed against origin/main: 1 gone, 1 slower, 1 contaminated, 2 inconclusive, 1 faster, 1 same, 1 new;" in text
    assert "✕ SLOWER expm[n=16] 1.310 times the base's time" in text
    assert "✕ GONE l2[n=9] , head does not have it" in text
    assert "Contaminated. Base against base moved" in text
    for words in ("origin/ main merge base 89abcdef01", "0123456789, with local changes", "a note about", "4 items are"):
        assert words in text
    quiet = {"failed": False, "contaminated": False, "kernels": [kernel("expm[n=4]", "SAME")], "counts": {"SAME": 1},
             "notes": [], "correctness": {"compared": False, "findings": [], "notes": []}}  # fmt: skip
    text = Page(gated(**quiet)).text
    assert "✓ Passed 1 same; correctness not compared" in text
    assert "The gate failed" not in text
    assert "Contaminated" not in text


def test_a_failed_gate_is_named_beside_other_failures() -> None:
    """In one sentence with what the laws found."""
    document = results() | {"gate": gate(), "items": [violated("series", "mine", "s")]}
    assert "mine violates 1 item, and the gate failed." in Page(render(document)).text


def test_the_gate_lists_what_failed_first_and_what_the_laws_lost() -> None:
    """Each kernel with verdict, ratio, interval, times, pairs, reason; a law is linked if the page has it."""
    part = parts(gated())["gate"]
    listed = re.findall(r'<span class="k \w+">(. [A-Z]+)</span>', part)
    assert listed == ["✕ GONE", "✕ SLOWER", "? CONTAMINATED", "? INCONCLUSIVE", "? INCONCLUSIVE", "✓ FASTER", "✓ SAME", "+ NEW"]
    text = Page(part).text
    for words in ("1.310 1.284–1.336", "20 µs → 26.2 µs", "before: INCONCLUSIVE 1.040 (0.900–1.200), 5 × 20",
                  "2.500 0–∞", "base does not have it",
                  "✕ newly violated series mine numpy-cpu-float64 held violated, ratio 99.0",
                  "✕ law gone an_ old_ law"):  # fmt: skip
        assert words in text, words
    assert 'href="#law=series"' in part
    assert "#law=an_old_law" not in part


def test_all_intervals_stand_on_one_axis() -> None:
    """The band is where nothing changed; a point is where its ratio is; what goes on beyond the axis has an arrow."""
    part = parts(gated())["gate"]
    rows = re.findall(r'<svg class="forest" role="img" aria-label="([^"]*)">(.*?)</svg></td>', part, re.S)
    assert len(rows) == 8
    bands = {re.search(r'class="band" x="([\d.]+)%" width="([\d.]+)%"', svg).groups() for _, svg in rows}
    assert len(bands) == 1
    left, width = map(float, bands.pop())
    at = {k: float(re.search(r'<g class="own">.*<circle cx="([\d.]+)%"', svg)[1]) for k, svg in rows if "own" in svg}
    assert len(at) == 6
    spots = {label.split(":")[0]: x for label, x in at.items()}
    assert left < spots["expm[n=4]"] < left + width
    assert spots["expm[n=8]"] < left
    assert left + width < spots["expm[n=64]"] < spots["expm[n=16]"] < spots["l1[n=2]"] <= 100
    assert [svg.count("overflow") for label, svg in rows if label.startswith("l1[n=2]")] == [2]
    assert "expm[n=4]: SAME, 1.002, 95 % interval 0.982 to 1.022; base against base 1.000" in " ".join(at)


@pytest.mark.parametrize(
    ("values", "margin"),
    [([], 0.05), ([1.0], 0.05), ([0.02, 40.0, 1e9], 0.05), ([1e-300, 1.01], 0.15), ([0.97, 1.02, 1.3], 0.05)],
)
def test_ticks_of_an_axis_stand_apart_and_one_is_among_them(values: list[float], margin: float) -> None:
    """For any ratios, none, huge or tiny ones too; the band is always within the axis."""
    scale = Scale([Interval(v, v, v) for v in values], (1 - margin, 1 + margin))
    places = [scale(t) for t in scale.ticks]
    assert 1.0 in scale.ticks
    assert len(places) >= 2
    assert all(b - a >= 11 for a, b in pairwise(places))
    assert all(0 <= scale(v) <= 100 for v in values)
    assert 0 < scale(1 - margin) < scale(1 + margin) < 100


def test_against_a_stored_baseline_the_band_is_wider() -> None:
    """Where 15 % decides the band shows it, and words speak of the stored ratio."""
    page = gated(base={"kind": "file", "file": "baseline.json", "commit": ""})
    assert "the band from 0.87 to 1.15" in Page(parts(page)["gate"]).text
    assert "baseline.json" in Page(page).text
    assert "✕ SLOWER expm[n=16] 1.310 times the stored ratio to its control" in Page(page).text


@pytest.mark.parametrize("schema", ["detrace.gate/2", "other/1", None])
def test_a_gate_of_another_schema_is_not_shown_and_named(schema: Any) -> None:
    """Nothing of it is guessed."""
    page = gated(schema=schema)
    assert f"The results hold a gate's outcome in schema {schema}; this detrace shows detrace.gate/1." in Page(page).text
    assert "gate" not in parts(page)


@pytest.mark.parametrize("block", [{"schema": "detrace.gate/1"}, [], "text", {"schema": "detrace.gate/1", "trend": {"k": {}}}])
def test_a_meagre_gate_makes_a_page_all_the_same(block: Any) -> None:
    """A block with little in it is shown, one that is no block is not."""
    assert ("Gate" in Page(render(results() | {"gate": block})).texts) == isinstance(block, dict)


def test_a_trend_has_its_steps_in_words_and_its_runs_in_numbers() -> None:
    """Whoever has a step comes first; ratios keep four digits, ends of intervals a permille."""
    document = results() | {"gate": gate() | {"trend": trend(kernels=2)}}
    page = render(document)
    text = Page(page).text
    assert "24 runs of 2 kernels from 2026-01-01 10:00 UTC to 2026-01-24 10:00 UTC." in text
    assert "▲ 21 % slower expm[n=4] reference · numpy-cpu-float64 from 2026-01-14 10:00 UTC, commit 0000000d89" in text
    data = json.loads(parts(page)["trend"])
    assert data["runs"][13] == ["2026-01-14 10:00 UTC", "0000000d89"]
    first = data["kernels"][0]
    assert (first["case"], first["control"], first["steps"]) == ("expm[n=4]", "gemm/1", [[13, 1.21]])
    rows = trend(kernels=2)[TRENDED]["runs"]
    assert first["ratio"] == [float(f"{r[2]:.4g}") for r in rows]
    assert set(first["low"] + first["high"]) == {20, 30}
    assert "No step is seen." in Page(render(document, {k: e | {"steps": []} for k, e in trend().items()})).text


def test_long_histories_are_cut_to_the_newest_runs() -> None:
    """And the page says so; a step among the runs that are left out stays in words."""
    page = render(results(), trend(runs=200))
    assert "The newest 60 runs of each are drawn." in Page(page).text
    assert "▲ 21 % slower" in Page(page).text
    first = json.loads(parts(page)["trend"])["kernels"][0]
    assert (first["first"], len(first["ratio"]), first["steps"]) == (140, 60, [])


def test_a_trend_weighs_little(page: str) -> None:
    """Forty kernels of sixty runs, each with its interval, in less than 30 kB; without them nothing is added."""
    whole = render(results(), trend(runs=60, kernels=40))
    assert len(whole.encode()) - len(page.encode()) < 30_000
    assert len(render(results() | {"gate": {"schema": "detrace.gate/1", "trend": {}}}).encode()) - len(page.encode()) < 6_000


@pytest.mark.parametrize(
    ("factor", "said"),
    [(1.21, "21 % slower"), (0.8, "20 % faster"), (3.0, "3 times slower"), (0.25, "4 times faster"), (1.004, "0 % slower")],
)
def test_steps_are_told_in_percent_or_times(factor: float, said: str) -> None:
    """Percent up to a factor of two, beyond that a factor."""
    assert change(factor) == said


def kept(folder: Path) -> None:
    """A history of two machines."""
    kernels = {"k": {"control": "gemm/1", "inputs": "i", "code": "", "log_ratio": 0.0, "low": -1.0, "high": 1.0, "median_s": 1}}
    for machine, days in (("one", (1, 2)), ("other", (3,))):
        for day in days:
            run = {"fingerprint": {"cpu": machine}, "created": f"2026-01-0{day}T00:00:00+00:00", "commit": "c", "dirty": False}
            history.save({"schema": history.SCHEMA, "kernels": kernels, **run}, folder)


def test_the_page_draws_a_folder_of_history(tmp_path: Path) -> None:
    """The machine that ran last, whatever the others did; a foreign file and an empty folder are refused with a sentence."""
    kept(tmp_path)
    runs = history.newest(tmp_path)
    assert [r["created"][:10] for r in runs] == ["2026-01-03"]
    assert "1 run of 1 kernel, 2026-01-03 00:00 UTC." in Page(render(results(), history.trend(runs))).text
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "a.json").write_text('{"schema": "other"}', encoding="utf-8")
    with pytest.raises(GateError, match=r"a\.json has schema other.*move it out of the history"):
        history.newest(tmp_path)
    (tmp_path / "m" / "a.json").write_text(json.dumps({"schema": history.SCHEMA, "created": ""}), encoding="utf-8")
    with pytest.raises(GateError, match=r"is damaged \(it has no commit, fingerprint, kernels\); move it out"):
        history.newest(tmp_path)
    with pytest.raises(GateError, match="there is no history in"):
        history.newest(tmp_path / "empty")


def test_report_takes_a_history(project: Project) -> None:
    """`detrace report --history FOLDER` draws it; what cannot be read stops it with one sentence, before a page is written."""
    project.write(".detrace/results.json", json.dumps(results()))
    kept(project.path / "history")
    done = project.detrace("report", "--history", "history", "-o", "page.html")
    assert done.returncode == 0, done.stderr
    assert "1 run of 1 kernel, 2026-01-03" in Page((project.path / "page.html").read_text(encoding="utf-8")).text
    project.write("history/m/old.json", '{"schema": "detrace.history/0"}')
    done = project.detrace("report", "--history", "history", "-o", "other.html")
    assert (done.returncode, done.stdout) == (2, "")
    assert "old.json has schema detrace.history/0, this gate reads detrace.history/1; move it out" in done.stderr
    assert not (project.path / "other.html").exists()
