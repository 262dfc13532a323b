"""The page: complete, honest, small, safe to open, and fit to read on a desk and on a phone."""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
import time
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from detrace.report import render, show, write
from detrace.report.formulas import formula, prose, raised
from detrace.report.page import MAX_BYTES
from detrace.results import ResultsError

EVIL = "<script>alert('1')</script> & \"quoted\" </style>"
VOID = {"meta", "link", "input", "br", "wbr", "hr", "img"}
SELF_CLOSING = {"path", "rect", "mspace", "circle"}


class Page(HTMLParser):
    """Tags and attributes of a page; fails on what does not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, k, v or "") for k, v in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, k, v or "") for k, v in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def ids(self) -> list[str]:
        return [v for _, k, v in self.attributes if k == "id"]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def matrix(*rows: list[float]) -> dict[str, Any]:
    return {"shape": [len(rows), len(rows[0])], "re": [x for row in rows for x in row]}


def item(law: str, subject: str, space: str, outcome: str = "held", worst: Any = 4.1, **more: Any) -> dict[str, Any]:
    return {
        "law": law, "subject": subject, "space": space, "outcome": outcome, "worst": worst, "examples": 100,
        "decided": 97, "undecided": 3, "reason": "", "seconds": 0.31, "branches": {"zero": 7, "nilpotent": 12},
        "input": {"A": matrix([0.5, 0.0], [0.0, -2.0])}, "violation": None, "deviation": None, "script": "", **more,
    }  # fmt: skip


def violated(law: str, subject: str, space: str, deviation: str | None = None) -> dict[str, Any]:
    violation = {
        "kind": "ratio", "ratio": 2.2e6, "error": 2.44e-10, "bound": 1.11e-16, "why": "rounding the input",
        "got": matrix([1.0, 0.0], [0.0, 1.0]), "truth": matrix([1.5, 0.0], [0.0, 1.5]), "calls": [],
    }  # fmt: skip
    return item(
        law, subject, space, "violated", 2.2e6, violation=violation, deviation=deviation,
        reason="error 2.44e-10 is 2.2e+06 times the bound", script=f"import {subject}\nprint(1 < 2)\n",
    )  # fmt: skip


def results() -> dict[str, Any]:
    """A small document with every outcome and every section."""
    def law(name: str, tex: str) -> dict[str, Any]:
        return {
            "name": name, "family": "matrix_exponential", "formula": tex, "sources": ["kexue.fm/archives/6377"],
            "statement": "For every square A, e^{A} exists.\n\nBound: ‖A‖_F, see `expm`.", "contracts": ["expm"],
            "mutants": ["no_scaling"],
        }  # fmt: skip

    timed = {
        "contract": "expm", "family": "matrix_exponential", "median_s": 1.2e-5, "iqr_s": 4e-7, "ratio": 1.0,
        "ratio_low": 0.98, "ratio_high": 1.03, "limit_s": 3e-6, "limit_kind": "flops", "limit_share": 0.25,
        "params": {"n": 8, "dtype": "float64"}, "error_ratio": 2.0, "checked": True,
        "launch_bound": None, "status": "measured", "reason": "",
    }  # fmt: skip
    return {
        "schema": "detrace.results/1", "created": "2026-01-31T14:05:00+00:00", "finished": "2026-01-31T14:09:00+00:00",
        "interrupted": False, "command": "detrace verify", "profile": "ci", "limit": 30.0,
        "environment": {"python": "3.12.4", "cpu": "a processor", "commit": "0123456789abcdef", "dirty": True},
        "spaces": [
            {"id": "numpy-cpu", "available": True, "reason": "", "version": "2.4"},
            {"id": "cupy-cuda", "available": False, "reason": "No module named 'cupy'", "version": ""},
        ],
        "families": [{"name": "matrix_exponential", "title": "Matrix exponential", "order": 1}],
        "contracts": [{"name": "expm", "signature": "(n,n)->(n,n)", "summary": "e^A", "family": "matrix_exponential"}],
        "laws": [law("series", r"e^{A} = \sum_{k} A^k / k!"), law("trace", r"\det e^{A} = e^{\operatorname{tr} A}")],
        "mutants": [{"name": "no_scaling", "contract": "expm", "trap": "Forgets to scale.", "rejected_by": ["series"],
                     "space": "numpy-cpu-float64", "origin": "seen once"}],
        "subjects": [
            {"name": "reference", "role": "reference", "version": "", "description": "", "offers": ["expm"],
             "missing": [], "conventions": {}},
            {"name": "scipy", "role": "peer", "version": "scipy 1.17", "description": "", "offers": ["expm"],
             "missing": [], "conventions": {"expm": "batched"}},
            {"name": "mine", "role": "user", "version": "", "description": "", "offers": [], "missing": ["expm"],
             "conventions": {}},
        ],
        "absent_peers": {"keras": "No module named 'keras'"},
        "items": [
            item("series", "reference", "numpy-cpu-float64"),
            item("series", "reference", "numpy-cpu-float32", "undecided", None, reason="bound useless"),
            item("trace", "reference", "numpy-cpu-float64", worst=0.0),
            violated("series", "scipy", "numpy-cpu-float64", "scipy-series"),
            item("trace", "scipy", "numpy-cpu-float64", "undecided", None, reason="bound useless"),
        ],
        "not_run": [
            {"law": "*", "subject": "*", "space": "cupy-cuda", "reason": "No module named 'cupy'"},
            {"law": "trace", "subject": "reference", "space": "numpy-cpu-float16", "reason": "float16 is too narrow"},
        ],
        "ledger": [
            {"id": "scipy-series", "law": "series", "laws": [], "subject": "scipy", "spaces": ["numpy-*"],
             "verdict": "defect", "summary": "Loses digits.", "input": {"A": matrix([0.5])}, "measured": "1.6",
             "true": "1.65", "upstream": "scipy/scipy#1", "versions": ">=1", "status": "reproduced", "reason": ""},
        ],
        "benchmarks": [
            {**timed, "id": "a", "subject": "reference", "space": "numpy-cpu-float64"},
            {**timed, "id": "b", "subject": "scipy", "space": "numpy-cpu-float64", "ratio": 12.3, "error_ratio": "inf",
             "right": False, "reason": "the timed result errs inf times its bound"},
            {**timed, "id": "c", "subject": "reference", "space": "cupy-cuda-float64", "median_s": None,
             "status": "not measured", "reason": "there is no GPU", "checked": False},
        ],
        "growth": [{"contract": "expm", "subject": "reference", "space": "numpy-cpu-float64", "exponent": 2.93,
                    "low": 2.8, "high": 3.0, "theory": 3, "n0": 16, "n1": 256, "points": [[16, 1e-5], [256, 0.04]],
                    "fitted": [[16, 1e-5], [256, 0.04]]}],
        "ratio_by_norm": [{"contract": "expm", "subject": "reference", "space": "numpy-cpu-float64",
                           "points": [[0.1 * k, 0.01 * 1.7 ** (k % 13)] for k in range(1, 300)]}],
        "machine_limits": {"copy_bandwidth_gbs": 11.0, "gemm_gflops": {"float64": 38.0}},
        "suite_speed": [{"name": "all laws", "value": 41.2, "unit": "s", "aim": "under 120 s", "how": "one run"}],
    }  # fmt: skip


def many(n_laws: int = 80, n_subjects: int = 12, n_items: int = 3000) -> dict[str, Any]:
    """As big as the suite may become."""
    document = results()
    tex = r"\max_{f \oplus g \le C} \langle p, f\rangle + \langle q, g\rangle = \min_{\gamma} \langle \gamma, C\rangle"
    base = document["laws"][0] | {"formula": tex, "statement": "For every square A. " * 20}
    document["laws"] = [base | {"name": f"a_law_about_everything_{k}"} for k in range(n_laws)]
    peer = document["subjects"][1]
    document["subjects"] = document["subjects"][:1] + [peer | {"name": f"library{k}"} for k in range(1, n_subjects)]
    names = ["reference", *(f"library{k}" for k in range(1, n_subjects))]
    document["items"] = []
    for k in range(n_items):
        key = f"a_law_about_everything_{k % n_laws}", names[k % n_subjects], f"space-{k // 997}-{k % 16}"
        document["items"].append(violated(*key) if k % 50 == 1 and k % n_subjects else item(*key, worst=k / 101))
    row = document["benchmarks"][0]
    document["benchmarks"] = [
        row | {"contract": f"contract{k % 15}", "subject": names[k // 15 % 5], "params": {"n": 2 ** (k // 75)}}
        for k in range(900)
    ]
    sample = document["ratio_by_norm"][0]
    document["ratio_by_norm"] = [
        sample | {"contract": f"contract{k % 15}", "subject": names[k // 15]} for k in range(75)
    ]
    return document


@pytest.fixture(scope="module")
def page() -> str:
    return render(results())


def test_it_parses_and_every_id_is_unique(page: str) -> None:
    """Tags nest, and each fragment identifier names one element."""
    parsed = Page(page)
    assert [i for i, n in Counter(parsed.ids).items() if n > 1] == []


def test_every_link_leads_somewhere(page: str) -> None:
    """Links inside the page have targets."""
    parsed = Page(page)
    links = {v[1:] for tag, k, v in parsed.attributes if tag == "a" and k == "href"}
    assert links <= set(parsed.ids)


def test_every_law_has_a_permalink(page: str) -> None:
    assert {"law-series", "law-trace"} <= set(Page(page).ids)


def test_names_that_differ_only_in_punctuation_keep_their_own_permalinks() -> None:
    document = results()
    document["laws"] = [document["laws"][0] | {"name": name} for name in ("a b", "a-b", "a/b")]
    ids = Page(render(document)).ids
    assert {"law-a-b", "law-a-b-2", "law-a-b-3"} <= set(ids)
    assert len(set(ids)) == len(ids)


def test_nothing_is_loaded_from_anywhere(page: str) -> None:
    """Every src, href and url() is a fragment or data, and the policy forbids the rest."""
    for tag, key, value in Page(page).attributes:
        if key in ("src", "href", "srcset", "action", "poster", "xlink:href", "data", "formaction", "background"):
            assert value.startswith(("#", "data:")), f"<{tag} {key}={value}>"
        assert not key.startswith("on"), f"<{tag} {key}>"
        assert key != "style", "the policy would refuse it"
    assert all(u.startswith(("#", "data:")) for u in re.findall(r"url\(\s*['\"]?([^)]*)", page))
    assert "@import" not in page
    assert "default-src 'none'" in page
    assert "unsafe" not in page


def test_what_subjects_say_is_shown_and_never_run() -> None:
    """Names, reasons, inputs, scripts and formulas are text, wherever they appear."""
    document = results()
    bad = violated("series", EVIL, "numpy-cpu-float64") | {"reason": EVIL, "script": EVIL, "input": {"A": EVIL}}
    bad["violation"] |= {"got": EVIL, "truth": EVIL, "why": EVIL}
    document["items"].append(bad)
    document["subjects"].append(document["subjects"][1] | {"name": EVIL, "description": EVIL, "version": EVIL})
    document["not_run"].append({"law": "series", "subject": EVIL, "space": EVIL, "reason": EVIL})
    document["laws"][0] |= {"statement": EVIL, "formula": r"\text{<script>alert(1)</script>}", "sources": [EVIL]}
    document["mutants"][0] |= {"trap": EVIL}
    document["ledger"][0] |= {"summary": EVIL, "upstream": EVIL, "id": EVIL}
    document["benchmarks"][2] |= {"reason": EVIL, "subject": EVIL, "contract": EVIL}
    document["ratio_by_norm"][0] |= {"subject": EVIL}
    document |= {"command": EVIL, "absent_peers": {EVIL: EVIL}}
    document["environment"] |= {"cpu": EVIL, "versions": {EVIL: EVIL}}
    parsed = Page(render(document))
    assert parsed.tags["script"] == 2
    assert parsed.tags["style"] == 1
    assert "alert('1')" in parsed.text


def test_all_four_outcomes_are_there_and_counted(page: str) -> None:
    """Held, violated, undecided and not run, apart, for each role."""
    text = Page(page).text
    assert "Our references: 2 held, 0 violated, 1 undecided, 1 not run." in text
    assert "Public libraries: 0 held, 1 violated (all of them in the ledger as known deviations), 1 undecided" in text
    cells = re.findall(r'<td class="([hvunx]\d?)">([^<]*)(?:<small>([^<]*)</small>)?</td>', page)
    assert ("v", "✕ 2.2·10⁶†", "") in cells
    assert ("u", "?", "?1") in cells
    assert ("h3", "✓ 4.1", "?1") in cells
    assert ("h0", "✓ 0", "·1") in cells
    assert cells.count(("x", "", "")) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "Everything that could be decided held; the 1 violation by public libraries is known and in the ledger."),
        ({"interrupted": True}, "Interrupted. So far: everything"),
        ({"items": []}, "Nothing was judged."),
        ({"items": [violated("series", "scipy", "s")]}, "libraries show 1 violation that the ledger does not name."),
        ({"items": [violated("series", "reference", "s")]}, "Our references violate 1 item."),
        ({"items": [violated("series", "mine", "s")]}, "mine violates 1 item."),
        ({"items": [violated("series", name, "s") for name in "abcde"]}, "a, b, c and 2 more violate 5 items."),
    ],
)
def test_the_verdict_is_one_plain_sentence(change: dict[str, Any], words: str) -> None:
    assert words in Page(render(results() | change)).text


def test_spaces_that_are_not_here_are_named_with_their_reason(page: str) -> None:
    text = Page(page).text
    assert "Not run: cupy-cuda No module named 'cupy'" in text
    assert "Not run: library keras No module named 'keras'" in text


def test_a_space_that_was_not_asked_for_is_not_said_to_have_run() -> None:
    """Being there is not having been run on; laws without an item are counted too."""
    document = results()
    document["spaces"].append({"id": "torch-cpu", "available": True, "reason": "", "version": "2.6"})
    document["items"] = document["items"][:1]
    text = Page(render(document)).text
    assert "Ran on numpy-cpu 2.4" in text
    assert "Not run: torch-cpu it is here, but nothing was run on it" in text
    assert "1 of 2 laws was judged" in text


def test_a_violation_shows_input_result_truth_and_script(page: str) -> None:
    text = Page(page).text
    for words in ("A = [[0.5, 0.]", "[[1., 0.]", "[[1.5, 0.]", "error 2.44·10⁻¹⁰ ÷ bound 1.11·10⁻¹⁶", "print(1 < 2)"):
        assert words in text
    assert 'id="falsified-series-scipy"' in page


def test_the_ledger_states_verdict_and_values(page: str) -> None:
    text = Page(page).text
    for words in ("defect", "reproduced in this run", "Loses digits.", "scipy/scipy#1", "1.65"):
        assert words in text


def test_benchmarks_stand_side_by_side(page: str) -> None:
    """Ratios, the limit, what was not measured and why, and a fast wrong result is called wrong."""
    text = Page(page).text
    for words in ("1.0×", "12×", "limit 25 %", "n = 8", "not measured", "there is no GPU", "✕ wrong"):
        assert words in text
    for words in ("2.93", "2.80 to 3.00", "41.2 s", "under 120 s", "memory copies 11.0 GB/s"):
        assert words in text


def test_plots_hold_at_most_two_hundred_points(page: str) -> None:
    """A plot with three hundred samples is thinned and says so."""
    plot = re.search(r'aria-label="expm: ratio against the norm of the input">(.*?)</svg>', page, re.S)
    assert plot is not None
    marks = re.findall(r'<path class="m\d c\d" d="([^"]*)"', plot[1])
    assert 0 < sum(d.count("M") for d in marks) <= 200
    assert "Of neighbouring inputs only the worst is drawn." in page


def test_zero_and_infinity_have_edges_of_their_own() -> None:
    """A ratio of exactly 0 is not drawn as the smallest power of ten, nor infinity as the largest."""
    document = results()
    document["ratio_by_norm"][0]["points"] = [[1.0, 0.0], [2.0, "inf"], [3.0, 0.5]]
    plot = re.search(r'aria-label="expm: ratio against the norm of the input">(.*?)</svg>', render(document), re.S)
    assert plot is not None
    assert re.findall(r'<text x="48" y="\d+">([^<]*)</text>', plot[1]) == ["0.1", "1", "10", "100", "0", "∞"]


def test_without_samples_the_worst_examples_are_plotted() -> None:
    document = results()
    del document["ratio_by_norm"]
    assert "The worst example of each law and space." in Page(render(document)).text


def test_what_is_missing_says_which_command_makes_it() -> None:
    """A document with a schema only still makes a whole page."""
    text = Page(render({"schema": "detrace.results/1"})).text
    for command in ("detrace verify", "detrace bench", "detrace bench --suite"):
        assert command in text
    assert "No law was violated." in text


@pytest.mark.parametrize("document", [{}, [], {"schema": 1}, {"schema": "detrace.results/2"}, {"schema": "other/1"}])
def test_a_foreign_document_is_refused_with_a_sentence(document: Any) -> None:
    with pytest.raises(ResultsError, match="detrace verify"):
        render(document)


def test_a_refused_document_leaves_an_earlier_page_whole(tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    write(results(), target)
    before = target.read_text(encoding="utf-8")
    with pytest.raises(ResultsError):
        write({}, target)
    assert target.read_text(encoding="utf-8") == before
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


def test_rendering_leaves_the_results_alone() -> None:
    document = results()
    before = copy.deepcopy(document)
    render(document)
    assert document == before


def test_three_thousand_items_stay_small_and_quick() -> None:
    """Under the limit of size, whatever has to give way; in seconds (the bound is loose: shared machines stall)."""
    document = many()
    render(document)
    start = time.perf_counter()
    page = render(document)
    assert time.perf_counter() - start < 10.0
    assert len(page.encode()) < MAX_BYTES
    data = json.loads(re.findall(r'id="data">(.*?)</script>', page, re.S)[0])
    assert sum(len(rows) for law in data["rows"].values() for rows in law.values()) == 3000
    Page(page)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(4.1, "4.1"), (0.65, "0.65"), (49.39, "49"), (150, "150"), (2197838.6, "2.2·10⁶"), (0, "0"), (0.0004, "<0.01"),
     ("inf", "∞"), ("nan", "NaN"), (None, "–"), (9.96, "10"), (0.999, "1.0"), (999.9, "1.0·10³"), (30, "30")],
)  # fmt: skip
def test_ratios_have_two_significant_digits(value: Any, shown: str) -> None:
    assert show.ratio(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"A": matrix([1.5, -2.0], [0.0, 10.25])}, "A = [[1.5,   -2.],\n     [ 0., 10.25]]"),
        ({"x": {"shape": [2], "re": ["nan", -0.0]}, "k": 3}, "x = [nan, -0.0]\nk = 3"),
        ({"z": {"shape": [1], "re": [1.0], "im": [-2.0]}}, "z = [1.-2.j]"),
        ({"A": {"shape": [0, 0], "re": []}}, "A = [] (0×0)"),
        ({"A": {"shape": [2, 2], "re": [1.0]}}, None),
        ("text", "text"),
    ],
)
def test_values_are_printed_for_readers(value: Any, shown: str | None) -> None:
    """Columns are aligned, every digit is there; what is no value is printed as it came."""
    assert show.pretty(value) == shown if shown is not None else show.pretty(value)


def test_a_large_array_shows_its_corner_and_says_so() -> None:
    text = show.pretty({"A": {"shape": [40, 40], "re": [0.5] * 1600}})
    assert "corner of 40×40" in text
    assert len(text) < 2000


@pytest.mark.parametrize(
    ("tex", "pieces"),
    [
        (r"\det e^{A} = e^{\operatorname{tr} A}", ["<mi>det</mi>", "<mi>tr</mi>", "<msup>"]),
        (r"\langle p, f \rangle \sim q", ["⟨</mo>", "⟩</mo>", "<mo>∼</mo>"]),
        (r"a < b", ["<mo>&lt;</mo>"]),
        (r"\sum_{k} x", ["<munder>"]),
        (r"\max_{f} x", ["<munder>"]),
    ],
)
def test_formulas_become_mathml(tex: str, pieces: list[str]) -> None:
    out = formula(tex, True)
    assert out.startswith('<math display="block">')
    assert [p for p in pieces if p not in out] == []
    Page(out)


@pytest.mark.parametrize("tex", [r"\nosuchmacro x", r"\frac{", r"}{"])
def test_a_formula_that_cannot_be_drawn_is_shown_as_written(tex: str) -> None:
    out = formula(tex)
    assert out == f"<code>{tex}</code>" or out.startswith("<math")
    Page(out)


def test_every_law_of_the_suite_has_a_formula_that_can_be_drawn() -> None:
    from detrace.suite import load

    assert [law.name for law in load().laws.values() if "<code>" in formula(law.formula, True)] == []


def test_docstrings_become_paragraphs() -> None:
    assert prose("One `x`.\n\nBound: $a$ and e^{tr A}") == (
        "<p>One <code>x</code>.</p><p><b>Bound:</b> <math><mi>a</mi></math> and e<sup>tr A</sup></p>"
    )
    assert raised("‖A‖_F max_squarings <b>") == "‖A‖<sub>F</sub> max_squarings &lt;b&gt;"


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the path, so the page is not opened in a browser")


def opened(path: Path, profile: Path, width: int = 1280) -> tuple[str, str]:
    """The page's tree after its script ran, and what the browser logged."""
    run = subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-dev-shm-usage", "--enable-logging=stderr", "--virtual-time-budget=3000",
         f"--user-data-dir={profile}",
         "--allow-file-access-from-files", f"--window-size={width},900", "--dump-dom", path.as_uri()],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return run.stdout, "\n".join(line for line in run.stderr.splitlines() if "CONSOLE" in line)


def with_probe(page: str, script: str) -> str:
    """A copy of the page without its policy, with one more script at its end."""
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    return page.replace("</body>", f"<script>{script}</script></body>")


@browser
def test_the_browser_has_nothing_to_complain_about(page: str, tmp_path: Path) -> None:
    """No console message under the policy, the script ran to its end, and its cells say what the server's say."""
    file = tmp_path / "page.html"
    file.write_text(page, encoding="utf-8")
    tree, log = opened(file, tmp_path / "profile")
    assert log == ""
    assert 'data-ready="yes"' in tree
    assert 'aria-label="series, scipy: 1 violated, worst ratio 2.2·10⁶"' in tree


@browser
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_overflows_sideways(width: int, tmp_path: Path) -> None:
    """In a frame of the width of a phone and of a desk, with everything unfolded."""
    probe = """
      document.querySelectorAll('details').forEach(d => { d.open = true; });
      document.querySelectorAll('.fold').forEach(b => b.click());
      const root = document.documentElement;
      parent.document.body.dataset.measured = `${root.scrollWidth} in ${innerWidth}`;"""
    document = many(12, 12, 400) | {"command": "x" * 300}
    long = {"script": "y" * 300 + "\n", "reason": "z" * 300, "input": {"A": matrix([0.123456789012345] * 12)}}
    document["items"].append(violated("a_law_about_everything_0", "reference", "numpy-cpu-float64") | long)
    (tmp_path / "page.html").write_text(with_probe(render(document), probe), encoding="utf-8")
    frame = f"<!doctype html><body><iframe src='page.html' width='{width}' height='800' style='border:0'></iframe>"
    (tmp_path / "frame.html").write_text(frame, encoding="utf-8")
    tree, _ = opened(tmp_path / "frame.html", tmp_path / "profile", 1400)
    measured = re.search(r'data-measured="(\d+) in (\d+)"', tree)
    assert measured is not None
    assert int(measured[2]) == width
    assert int(measured[1]) <= width


@browser
def test_the_script_sums_up_cells_as_the_page_does(tmp_path: Path) -> None:
    """Choosing a space and going back to all leaves every cell as it was rendered."""
    probe = """
      const all = [...document.querySelectorAll('#grid tbody td')];
      const cells = () => all.map(td => `${td.className}|${td.innerText}`).join();
      const before = cells(), select = document.querySelector('#f-space');
      const choose = v => { select.value = v; select.dispatchEvent(new Event('input')); };
      choose('0'); const other = cells(); choose('');
      document.body.dataset.same = String(cells() === before);
      document.body.dataset.changed = String(other !== before);"""
    document = many(12, 6, 500)
    for k, one in enumerate(document["items"]):
        if one["outcome"] == "held":  # one ratio for each cell, in every shade
            one["worst"] = 10 ** ((k % 12) / 3.5 - 2)
    (tmp_path / "page.html").write_text(with_probe(render(document), probe), encoding="utf-8")
    tree, _ = opened(tmp_path / "page.html", tmp_path / "profile")
    assert 'data-same="true"' in tree
    assert 'data-changed="true"' in tree


@browser
def test_keyboard_sort_and_filter(page: str, tmp_path: Path) -> None:
    """Arrows move between cells, Enter unfolds, Escape folds, headings sort, the filter hides."""
    probe = """
      const press = (e, key) => e.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
      const laws = () => [...document.querySelectorAll('#grid tr[data-l]')];
      const rows = () => laws().filter(r => !r.hidden).map(r => r.dataset.l).join('');
      const b = document.querySelector('#grid td button'), log = [];
      b.focus(); press(b, 'ArrowRight'); log.push(document.activeElement.getAttribute('aria-label').split(':')[0]);
      document.activeElement.click(); log.push(document.querySelectorAll('.unfolded').length);
      press(document.activeElement, 'Escape'); log.push(document.querySelectorAll('.unfolded').length);
      document.querySelectorAll('#grid > thead button')[0].click(); log.push(rows());
      const out = document.querySelector('#f-out');
      out.value = '1'; out.dispatchEvent(new Event('input')); log.push(rows());
      document.body.dataset.log = log.join(';');"""
    (tmp_path / "page.html").write_text(with_probe(page, probe), encoding="utf-8")
    tree, log = opened(tmp_path / "page.html", tmp_path / "profile")
    assert log == ""
    assert 'data-log="series, scipy;1;0;01;0"' in tree
