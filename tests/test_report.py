"""The page: complete, honest, small, safe to open, and fit to read on a desk and on a phone."""

from __future__ import annotations

import copy
import json
import re
import time
from collections import Counter
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from page_data import FAMILIES, ITEMS, TRENDED, gate, matrix, results, suite, trend, violated

from detrace import ledger
from detrace.report import render, show, write
from detrace.report.counts import EXCUSES
from detrace.report.formulas import formula, prose, raised
from detrace.report.found import VERDICTS
from detrace.report.norms import norm_of
from detrace.report.packed import CODECS, packed, unpacked
from detrace.report.page import GUESTS, MAX_BYTES, ROOMS
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


def parts(page: str) -> dict[str, str]:
    """What the page's script opens, by name."""
    ((codec, block),) = re.findall(r'<script [^>]*id="packed" data-codec="(\w+)">([^<]*)</script>', page)
    return unpacked(block, codec)


def items_of(page: str) -> dict[str, Any]:
    return dict(json.loads(parts(page)["items"]))


def opened(page: str) -> list[Page]:
    """The page and every packed part that is HTML, parsed."""
    return [Page(page), *(Page(text) for name, text in parts(page).items() if name not in ("items", "trend"))]


def text_of(page: str) -> str:
    return " ".join(p.text for p in opened(page))


def attributes_of(page: str) -> list[tuple[str, str, str]]:
    return [a for p in opened(page) for a in p.attributes]


@pytest.fixture(scope="module")
def page() -> str:
    return render(results())


def test_it_parses_and_every_id_is_unique(page: str) -> None:
    """Tags nest, in the page and in its packed parts, and each fragment identifier names one element."""
    ids = [i for p in opened(page) for i in p.ids]
    assert [i for i, n in Counter(ids).items() if n > 1] == []


def test_every_link_leads_somewhere(page: str) -> None:
    """Links name a section, or a law, family, subject, contract, deviation or case that the page knows."""
    data = items_of(page)
    laws = {law[0] for law in data["laws"]} | {law[1] for law in data["laws"]}
    subjects, contracts = {s[0] for s in data["subjects"]}, {c[0] for c in data["contracts"]}
    attributes = attributes_of(page)
    known = {
        "law": laws, "family": {f[0] for f in data["families"]}, "subject": subjects, "contract": contracts, "q": contracts,
        "deviation": {v for _, k, v in attributes if k == "data-deviation"},
        "case": {v for _, k, v in attributes if k == "data-case"},
    }  # fmt: skip
    links = [v[1:] for tag, k, v in attributes if tag == "a" and k == "href"]
    links += [v for _, k, v in attributes if k == "data-link" and v]
    assert {"law=series", "deviation=scipy-series", "contract=expm", "case=series/scipy"} <= set(links)
    for link in links:
        if "=" not in link:
            assert link in Page(page).ids or link == ""
        for key, _, value in (part.partition("=") for part in link.split("&") if "=" in part):
            assert unquote(value) in known[key], link


def test_a_theorem_is_stated_once_for_all_of_its_contracts(page: str) -> None:
    """Its laws share one article; each has its own row in the table."""
    stated = re.findall(r'data-law="([^"]*)"', parts(page)["laws-distances"])
    assert stated == ["triangle"]
    assert [law[:2] for law in items_of(page)["laws"][2:]] == [["triangle.l1", "triangle"], ["triangle.l2", "triangle"]]
    assert "2 laws from 1 theorem" in Page(page).text


def test_deviations_of_any_name_stay_apart() -> None:
    """Each has a part of its own, also where a name differs only in punctuation or comes twice."""
    document = results()
    ids = ("a b", "a-b", "a/b", "a b")
    document["ledger"] = [document["ledger"][0] | {"id": name, "summary": f"{k}."} for k, name in enumerate(ids)]
    page = render(document)
    names = ["a b", "a-b", "a/b", "a b (2)", "scipy-series"]
    assert [v for _, k, v in Page(page).attributes if k == "data-deviation"] == names
    assert [v for _, k, v in Page(parts(page)["found"]).attributes if k == "data-part"] == names


def test_deviations_with_the_same_words_are_listed_once() -> None:
    """Under the first one's name, with the items of all; each keeps its values, and its name leads there."""
    document = results()
    document["ledger"] += [document["ledger"][0] | {"id": "other"}, document["ledger"][0] | {"id": "theirs", "subject": "mine"}]
    document["items"].append(violated("trace", "scipy", "numpy-cpu-float32", "other"))
    page = render(document)
    assert [v for _, k, v in Page(page).attributes if k == "data-deviation"] == ["theirs", "scipy-series"]
    assert "scipy 2 items Loses digits." in Page(page).text
    assert "✕ Known defects 3 in 2 implementations, those in the same words together" in Page(page).text
    assert [v for _, k, v in Page(parts(page)["found"]).attributes if k == "data-entry"] == ["theirs", "scipy-series", "other"]
    assert items_of(page)["merged"] == {"other": "scipy-series"}


@pytest.mark.parametrize(
    ("verdict", "sign", "css", "bar", "words"),
    [("by design", "≠", "d", "o4", "1 more differs by design"), ("unchecked", "∉", "i", "o5", "1 more takes input unchecked")],
)
def test_what_is_not_a_mistake_is_told_apart(verdict: str, sign: str, css: str, bar: str, words: str) -> None:
    """By a sign and a class in the overview, by a number in the sentence, by a part of the bar, by a heading of its own."""
    document = results()
    chosen = {"id": "chosen", "law": "trace", "verdict": verdict, "summary": "Caps."}
    document["ledger"].append(document["ledger"][0] | chosen)
    document["items"].append(violated("trace", "scipy", "numpy-cpu-float32", "chosen"))
    chip = r'<a class="chip (\w+)" href="[^"]*" title="([^"]*)">scipy <b>([^<]*)</b>'
    page = render(document)
    assert re.findall(chip, page) == [
        ("v", f"scipy: laws 2 violated; 1 {verdict}; worst ratio 2.2·10⁶", f"✕ 1, {sign} 1 of 2†")
    ]
    assert f"0 held, 2 violated (1 known as defects, 1 {verdict}), 1 undecided" in Page(page).text
    assert re.findall(r'<rect class="(o\d)"', page) == ["o0", "o2", "o3", "o1", bar, "o2"]
    assert "✕ Known defects 1 in 1 implementation" in Page(page).text
    assert f"{sign} {verdict.capitalize()} 1 in 1 implementation:" in Page(page).text
    numbers = [items_of(page)["deviations"].index("chosen")]
    assert items_of(page)["excused"] == [numbers * (excuse == verdict) for excuse in EXCUSES]
    case = rf'data-case="trace/scipy">\s*<summary><b>trace</b> <span class="k {css}">{sign} '
    assert re.search(case, parts(page)["found"])
    assert f"<span>{sign} 2.2·10⁶</span> scipy" in parts(page)["laws-matrix_exponential"]
    document["items"] = document["items"][4:]
    page = render(document)
    assert [(found, text) for found, _, text in re.findall(chip, page)] == [(css, f"{sign} 1 of 1")]
    assert f"Wrong nobody {words}" in Page(page).text


def test_a_law_is_what_is_most_wrong_about_it() -> None:
    """Violated by mistake before by design before unchecked, in the overview and among those who are not wrong."""
    document = results()
    document["ledger"] = [
        {"id": name, "law": "trace", "subject": "scipy", "verdict": verdict, "status": "reproduced", "summary": name}
        for name, verdict in {"caps": "by design", "lenient": "unchecked", "defect": "defect"}.items()
    ]
    chip = r'<a class="chip (\w+)" href="[^"]*" title="[^"]*">scipy <b>([^<]*)</b>'
    shown = {
        ("lenient",): ("i", "∉ 1 of 1"),
        ("lenient", "caps"): ("d", "≠ 1 of 1"),
        ("caps", "lenient", "defect"): ("v", "✕ 1 of 1†"),
    }
    for deviations, expected in shown.items():
        document["items"] = [violated("trace", "scipy", f"s-{k}", name) for k, name in enumerate(deviations)]
        assert re.findall(chip, render(document)) == [expected]
    document["subjects"].append(document["subjects"][1] | {"name": "pot"})
    document["items"] = [violated("trace", "scipy", "s-f", "caps"), violated("trace", "pot", "s-f", "lenient")]
    assert "Wrong nobody 1 more differs by design, 1 more takes input unchecked" in Page(render(document)).text


def test_the_page_knows_every_verdict_of_the_ledger() -> None:
    assert VERDICTS == ledger.VERDICTS


def test_the_first_screen_says_how_to_read_a_ratio(page: str) -> None:
    """With each colour's range, before the tallies."""
    text = Page(page).text
    assert "How to read a ratio. It is the certified error of a result, divided by a bound" in text
    ranges = "✓ below 0.3 ✓ 0.3 to 0.9 ✓ 0.9 to 3 ✓ 3 to 10 ✓ 10 to 30 ✕ 30 and more ≠ 30 and more by design ∉ input unchecked"
    assert text.index("How sure") < text.index(ranges) < text.index("Our references:")


def test_nothing_is_loaded_from_anywhere(page: str) -> None:
    """Every src, href and url() is a fragment or data, and the policy forbids the rest."""
    for tag, key, value in attributes_of(page):
        if key in ("src", "href", "srcset", "action", "poster", "xlink:href", "data", "formaction", "background"):
            assert value.startswith(("#", "data:")), f"<{tag} {key}={value}>"
        assert not key.startswith("on"), f"<{tag} {key}>"
        assert key != "style", "the policy would refuse it"
    for text in (page, *parts(page).values()):
        assert all(u.startswith(("#", "data:")) for u in re.findall(r"url\(\s*['\"]?([^)]*)", text))
        assert "@import" not in text
    assert "default-src 'none'" in page
    assert "unsafe" not in page


def test_what_subjects_say_is_shown_and_never_run() -> None:
    """Names, reasons, inputs, scripts and formulas are text, wherever they appear."""
    document = results()
    document["subjects"][1] |= {"name": EVIL, "version": EVIL, "description": EVIL, "conventions": {"expm": EVIL}}
    document["families"][0] |= {"title": EVIL}
    document["items"][1]["reason"] = document["items"][2]["branches"] = EVIL
    document["items"][2]["branches"] = {EVIL: 1}
    document["items"][3] |= {"subject": EVIL, "script": EVIL, "reason": EVIL, "input": {EVIL: 1.0}, "law": EVIL}
    document["items"][3]["violation"] |= {"why": EVIL, "kind": EVIL}
    document["not_run"][0]["reason"] = document["spaces"][1]["reason"] = EVIL
    document["laws"][0] |= {"name": EVIL, "base": EVIL, "statement": EVIL, "formula": EVIL, "sources": [EVIL]}
    document["mutants"][0] |= {"trap": EVIL}
    document["ledger"][0] |= {"summary": EVIL, "upstream": EVIL, "id": EVIL}
    document["benchmarks"][2] |= {"reason": EVIL, "subject": EVIL, "contract": EVIL}
    document["ratio_by_norm"][0] |= {"subject": EVIL}
    document |= {"command": EVIL, "absent_peers": {EVIL: EVIL}, "gate": gate() | {"trend": {EVIL: trend()[TRENDED]}}}
    document["gate"]["kernels"][0] |= {"case": EVIL, "reason": EVIL, "verdict": EVIL, "subject": EVIL, "failed": True}
    document["gate"]["correctness"]["findings"][0] |= dict.fromkeys(("kind", "law", "subject", "space", "before", "now"), EVIL)
    document["gate"]["notes"] = [EVIL]
    document["gate"]["base"] |= {"ref": EVIL}
    document["gate"]["trend"][EVIL]["steps"][0]["commit"] = EVIL
    document["environment"] |= {"cpu": EVIL, "versions": {EVIL: EVIL}}
    page = render(document)
    first, *others = opened(page)
    assert first.tags["script"] == 2
    assert first.tags["style"] == 1
    assert [p for p in others if p.tags["script"] or p.tags["style"]] == []
    assert "alert('1')" in first.text


@pytest.mark.parametrize("codec", CODECS)
def test_parts_are_packed_without_loss_and_without_a_tag(codec: str) -> None:
    """Any texts come back under their names; the same texts give the same characters; none of them begins a tag."""
    texts = ("", "a", "é" * 7, EVIL * 999, "".join(map(chr, range(32, 2000))))
    named = {f"{EVIL}{k}": text for k, text in enumerate(texts)}
    assert unpacked(packed(named, codec), codec) == named
    assert packed(named, codec) == packed(dict(named), codec)
    assert "<" not in packed(named, codec)
    assert unpacked(packed({"a": "b\0c"}, codec), codec) == {"a": "bc"}


def test_the_same_results_give_the_same_page() -> None:
    assert render(results()) == render(results())


def test_all_four_outcomes_are_there_and_counted(page: str) -> None:
    """Held, violated, undecided and not run, apart, for each role and for each family and subject."""
    text = Page(page).text
    assert "Our references: 4 held, 0 violated, 1 undecided, 1 not run." in text
    assert "Public libraries: 0 held, 1 violated (1 known as defects), 1 undecided" in text
    chips = re.findall(r'<a class="chip (\w+)" href="([^"]*)" title="([^"]*)">([^<]*) <b>([^<]*)</b>', page)
    link, words = "#family=matrix_exponential&amp;subject=reference", "reference: laws 2 held; worst ratio 4.1"
    assert ("h3", link, words, "reference", "✓ 2") in chips
    assert [(c[0], c[4]) for c in chips if c[3] == "scipy"] == [("v", "✕ 1 of 2†")]
    rows = items_of(page)["rows"]
    assert Counter(rows["outcome"]) == {0: 4, 1: 1, 2: 2}
    assert {len(column) for column in rows.values()} == {7}


def test_the_first_figures_say_what_who_how_sure_and_how_fast(page: str) -> None:
    text = Page(page).text
    assert "Judged 4 laws on 2 implementations in 1 array library: 7 items, 700 examples. An item is a law" in text
    assert "Wrong 1 implementation scipy in 1 item, from 1 known defect" in text
    assert "How sure 97 % decided" in text
    assert "How fast not timed" in text, "a wrong result is no rival"
    document = results()
    document["benchmarks"][1] |= {"ratio": 0.5, "right": True}
    document["benchmarks"].append(document["benchmarks"][1] | {"ratio": 0.1, "rival": True})
    assert "How fast 2.0 × our reference's time over the fastest library's" in Page(render(document)).text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "Everything that could be decided held, but for 1 known violation by public libraries."),
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
    assert "1 of 4 laws was judged" in text


def test_a_violation_shows_input_result_truth_and_script(page: str) -> None:
    text = Page(parts(page)["found"]).text
    for words in ("A = [[0.5, 0.]", "[[1., 0.]", "[[1.5, 0.]", "error 2.44·10⁻¹⁰ ÷ bound 1.11·10⁻¹⁶", "print(1 < 2)"):
        assert words in text


def test_violations_that_the_ledger_does_not_name_come_first() -> None:
    """One entry a subject, ours before others; the ledger's stale entries before those that hold."""
    document = results()
    document["items"] += [violated("trace", "reference", "s"), violated("trace", "scipy", "s")]
    document["ledger"].append(document["ledger"][0] | {"id": "gone", "status": "stale"})
    listed = [v for _, k, v in Page(render(document)).attributes if k == "data-deviation"]
    assert listed == ["new-reference", "new-scipy", "gone", "scipy-series"]


def test_the_ledger_states_verdict_and_values(page: str) -> None:
    for words in ("defect", "this one reproduced it", "Loses digits."):
        assert words in Page(page).text
    for words in ("scipy/scipy#1", "1.65"):
        assert words in Page(parts(page)["found"]).text


def test_benchmarks_stand_side_by_side(page: str) -> None:
    """Ratios, the limit, what was not measured and why, and a fast wrong result is called wrong."""
    text = text_of(page)
    for words in ("1.0×", "12×", "limit 25 %", "n = 8", "not measured", "there is no GPU", "✕ wrong"):
        assert words in text
    for words in ("2.93", "2.80 to 3.00", "41.2 s", "under 120 s", "memory copies 11.0 GB/s"):
        assert words in text


def test_times_can_be_multiples_of_a_rival() -> None:
    """The table says of which; the fastest is the fastest rival, however fast the contract alone is."""
    document = results()
    ours, *_ = document["benchmarks"]
    steps = {"one step": 0.8, "two steps": 1.0}
    document["benchmarks"] = [ours | {"ratio": 0.3, "against": "two steps"}] + [
        ours | {"subject": name, "ratio": ratio, "against": "two steps", "rival": True} for name, ratio in steps.items()
    ]
    text = Page(parts(render(document))["contracts-0"]).text
    assert "multiple of that of “two steps”: it and its rival compute the same, expm alone less; below it" in text
    assert "fastest: one step" in text
    assert "time ÷ baseline" in text
    cells = re.findall(r'<td class="(best )?b\d+"><b>([^<]*)×</b>', parts(render(document))["contracts-0"])
    assert cells == [("", "0.30"), ("best ", "0.80"), ("", "1.0")]
    assert "multiple of the fastest" in Page(parts(render(results()))["contracts-0"]).text


def test_columns_of_times_stand_together_by_where_they_ran(page: str) -> None:
    """Places where nothing could be measured come last."""
    head = re.search(r'<table class="times.*?</thead>', parts(page)["contracts-0"], re.S)
    assert head is not None
    assert re.findall(r'colspan="(\d)">([^<]*)', head[0]) == [("2", "numpy-cpu"), ("1", "cupy-cuda")]


def test_plots_hold_at_most_two_hundred_points(page: str) -> None:
    """A plot with three hundred samples is thinned and says so."""
    plot = re.search(r'aria-label="expm: ratio against the norm of the input">(.*?)</svg>', parts(page)["contracts-0"], re.S)
    assert plot is not None
    marks = re.findall(r'<path class="m\d c\d" d="([^"]*)"', plot[1])
    assert 0 < sum(len(re.findall(r"m-?\d+ -?\d+h0", d)) for d in marks) <= 200
    assert "Of neighbouring inputs only the worst is drawn." in text_of(page)


def test_zero_and_infinity_have_edges_of_their_own() -> None:
    """A ratio of exactly 0 is not drawn as the smallest power of ten, nor infinity as the largest."""
    document = results()
    document["ratio_by_norm"][0]["points"] = [[1.0, 0.0], [2.0, "inf"], [3.0, 0.5]]
    text = parts(render(document))["contracts-0"]
    plot = re.search(r'aria-label="expm: ratio against the norm of the input">(.*?)</svg>', text, re.S)
    assert plot is not None
    assert re.findall(r'<text x="48" y="\d+">([^<]*)</text>', plot[1]) == ["0.1", "1", "10", "100", "0", "∞"]


def test_ticks_do_not_run_into_the_edge_of_zero() -> None:
    """Over many decades the lowest power of ten stands too near to 0 to be named."""
    document = results()
    document["ratio_by_norm"][0]["points"] = [[0.0, 1.0], [1e-18, 1.0], [100.0, 2.0]]
    plot = re.search(r"ratio against the norm of the input.*?</svg>", parts(render(document))["contracts-0"], re.S)
    assert plot is not None
    below = sorted(int(x) for x in re.findall(r'<text x="(\d+)" y="262">', plot[0]))
    assert below[0] == 54
    assert min(b - a for a, b in pairwise(below)) >= 26


def test_without_samples_the_worst_examples_are_plotted() -> None:
    """For each contract that has none, also where others have some."""
    document = results()
    document["items"][5]["input"] = {"x": {"shape": [3], "re": [1.0, -4.0, 2.0]}}
    assert "l1: ratio against the size of the first input" in parts(render(document))["contracts-1"]
    del document["ratio_by_norm"]
    assert "The worst example of each law and space." in text_of(render(document))


@pytest.mark.parametrize(
    ("inputs", "size"),
    [
        ({"A": matrix([1.0, -2.0], [3.0, 0.5])}, 4.0),
        ({"k": 3, "x": {"shape": [3], "re": [1.0, -4.0, 2.0]}}, 4.0),
        ({"xy": [{"shape": [2], "re": [0.5, -1.0]}, {"shape": [2], "re": [9.0, 9.0]}]}, 1.0),
        ({"A": matrix([0.0])}, None),
        ({"k": 3}, None),
        ("text", None),
    ],
)
def test_the_size_of_an_input_is_that_of_its_first_array(inputs: Any, size: float | None) -> None:
    assert norm_of(inputs) == size


def test_what_is_missing_says_which_command_makes_it() -> None:
    """A document with a schema only still makes a whole page."""
    text = Page(render({"schema": "detrace.results/1"})).text
    for command in ("detrace verify", "detrace bench", "detrace bench --suite"):
        assert command in text
    assert "No law was violated." in text


def test_every_section_is_in_the_navigation(page: str) -> None:
    """One line in ROOMS and one template make a section; those of the gate are there only with something to show."""
    whole = render(results() | {"gate": gate() | {"trend": trend()}})
    for text, guests in ((page, set()), (whole, set(GUESTS))):
        names = [name for name, title in ROOMS if title and (name not in GUESTS or name in guests)]
        links = [v for tag, k, v in Page(text).attributes if (tag, k) == ("a", "href")]
        assert links[2 : 2 + len(names)] == [f"#{name}" for name in names]
        assert set(Page(text).ids) & {name for name, _ in ROOMS} == {*names}
        assert [name for name in GUESTS if name in parts(text)] == sorted(guests)
    assert whole.count(".forest") > 0
    assert ".forest" not in page
    assert "plotTrend" not in page


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


def test_eleven_families_and_three_thousand_items_stay_small_and_quick() -> None:
    """Every item and plot, and a script of every new violation and of every known deviation, in less than the page's limit;
    the bound on time is loose: shared machines stall."""
    document = suite()
    assert len(document["families"]) == FAMILIES
    assert len(document["items"]) == ITEMS
    start = time.perf_counter()
    page = render(document)
    assert time.perf_counter() - start < 15.0
    assert len(page.encode()) < MAX_BYTES
    assert all(len(column) == ITEMS for column in items_of(page)["rows"].values())
    found = unescape(parts(page)["found"])
    cases: dict[tuple[str, ...], list[str]] = {}
    for one in document["items"]:
        if one["outcome"] == "violated":
            key = (one["deviation"],) if one["deviation"] else (one["law"], one["subject"])
            cases.setdefault(key, []).append(one["script"])
    assert found.count("Reproduction script") == len(cases) > 20
    assert [key for key, scripts in cases.items() if not any(s in found for s in scripts)] == []
    opened(page)


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


def test_matrices_of_formulas_keep_their_rows_and_cells() -> None:
    """latex2mathml leaves out a row that ends in empty cells: a law's formula may have none."""
    from detrace.suite import load

    def lost(tex: str) -> bool:
        tables = re.findall(r"\\begin\{(?:[pbv]?matrix|cases|aligned)\}(.*?)\\end", tex, re.DOTALL)
        rows, cells = (sum(t.count(r"\\") + 1 + more * t.count("&") for t in tables) for more in (0, 1))
        out = formula(tex, True)
        return (out.count("<mtr"), out.count("<mtd")) != (rows, cells)

    assert lost(r"\begin{pmatrix} a & b \\ c & \end{pmatrix}")
    assert [law.name for law in load().laws.values() if lost(law.formula)] == []


def test_docstrings_become_paragraphs() -> None:
    assert prose("One `x`.\n\nBound: $a$ and e^{tr A}") == (
        "<p>One <code>x</code>.</p><p><b>Bound:</b> <math><mi>a</mi></math> and e<sup>tr A</sup></p>"
    )
    assert raised("‖A‖_F max_squarings <b>") == "‖A‖<sub>F</sub> max_squarings &lt;b&gt;"
