"""Results documents for tests of the page: a small one with every outcome and section, and one of the size to come."""

from __future__ import annotations

import random
from typing import Any

FAMILIES = 11
ITEMS = 3000


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


TIMED = {
    "contract": "expm", "family": "matrix_exponential", "median_s": 1.2e-5, "iqr_s": 4e-7, "ratio": 1.0,
    "ratio_low": 0.98, "ratio_high": 1.03, "limit_s": 3e-6, "limit_kind": "flops", "limit_share": 0.25,
    "params": {"n": 8, "dtype": "float64"}, "error_ratio": 2.0, "checked": True,
    "launch_bound": None, "status": "measured", "reason": "",
}  # fmt: skip


def results() -> dict[str, Any]:
    """A small document with every outcome, every section, and a theorem about two contracts."""
    def law(name: str, tex: str, contract: str = "expm") -> dict[str, Any]:
        return {
            "name": name, "base": name.partition(".")[0], "family": "matrix_exponential", "formula": tex,
            "sources": ["kexue.fm/archives/6377"],
            "statement": "For every square A, e^{A} exists.\n\nBound: ‖A‖_F, see `expm`.", "contracts": [contract],
            "mutants": ["no_scaling"],
        }  # fmt: skip

    metric = r"d(x, y) \le d(x, z) + d(z, y)"
    return {
        "schema": "detrace.results/1", "created": "2026-01-31T14:05:00+00:00", "finished": "2026-01-31T14:09:00+00:00",
        "interrupted": False, "command": "detrace verify", "profile": "ci", "limit": 30.0,
        "environment": {"python": "3.12.4", "cpu": "a processor", "commit": "0123456789abcdef", "dirty": True},
        "spaces": [
            {"id": "numpy-cpu", "available": True, "reason": "", "version": "2.4"},
            {"id": "cupy-cuda", "available": False, "reason": "No module named 'cupy'", "version": ""},
        ],
        "families": [
            {"name": "matrix_exponential", "title": "Matrix exponential", "order": 1},
            {"name": "distances", "title": "Distances", "order": 2},
        ],
        "contracts": [
            {"name": "expm", "signature": "(n,n)->(n,n)", "summary": "e^A", "family": "matrix_exponential"},
            {"name": "l1", "signature": "(n),(n)->()", "summary": "‖x − y‖₁", "family": "distances"},
            {"name": "l2", "signature": "(n),(n)->()", "summary": "‖x − y‖₂", "family": "distances"},
        ],
        "laws": [
            law("series", r"e^{A} = \sum_{k} A^k / k!"), law("trace", r"\det e^{A} = e^{\operatorname{tr} A}"),
            law("triangle.l1", metric, "l1") | {"family": "distances"},
            law("triangle.l2", metric, "l2") | {"family": "distances"},
        ],
        "mutants": [{"name": "no_scaling", "contract": "expm", "trap": "Forgets to scale.", "rejected_by": ["series"],
                     "space": "numpy-cpu-float64", "origin": "seen once"}],
        "subjects": [
            {"name": "reference", "role": "reference", "version": "", "description": "", "offers": ["expm", "l1", "l2"],
             "missing": [], "conventions": {}},
            {"name": "scipy", "role": "peer", "version": "scipy 1.17", "description": "", "offers": ["expm"],
             "missing": ["l1", "l2"], "conventions": {"expm": "batched"}},
            {"name": "mine", "role": "user", "version": "", "description": "", "offers": [], "missing": ["expm", "l1", "l2"],
             "conventions": {}},
        ],
        "absent_peers": {"keras": "No module named 'keras'"},
        "items": [
            item("series", "reference", "numpy-cpu-float64"),
            item("series", "reference", "numpy-cpu-float32", "undecided", None, reason="bound useless"),
            item("trace", "reference", "numpy-cpu-float64", worst=0.0),
            violated("series", "scipy", "numpy-cpu-float64", "scipy-series"),
            item("trace", "scipy", "numpy-cpu-float64", "undecided", None, reason="bound useless"),
            item("triangle.l1", "reference", "numpy-cpu-float64", worst=1.0),
            item("triangle.l2", "reference", "numpy-cpu-float64", worst=2.0),
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
            {**TIMED, "id": "a", "subject": "reference", "space": "numpy-cpu-float64"},
            {**TIMED, "id": "b", "subject": "scipy", "space": "numpy-cpu-float64", "ratio": 12.3, "error_ratio": "inf",
             "right": False, "reason": "the timed result errs inf times its bound"},
            {**TIMED, "id": "c", "subject": "reference", "space": "cupy-cuda-float64", "median_s": None,
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


def kernel(case: str, verdict: str, ratio: float | None = 1.0, spread: float = 0.02, **more: Any) -> dict[str, Any]:
    """A kernel as the gate writes it, its interval `spread` to each side of `ratio`, its canary half of that around 1."""
    low, high = (None, None) if ratio is None else (ratio * (1 - spread), ratio * (1 + spread))
    decision = {"verdict": verdict, "ratio": ratio, "low": low, "high": high, "pairs": 5, "rounds": 20}
    canary = decision | {"verdict": "SAME", "ratio": 1.0, "low": 1 - spread / 2, "high": 1 + spread / 2}
    return decision | {
        "id": f"{case[:-1]},dtype=float64][reference-numpy-cpu-float64]", "case": case, "contract": case.partition("[")[0],
        "subject": "reference", "space": "numpy-cpu-float64", "failed": False, "base_s": 2e-5,
        "head_s": None if ratio is None else 2e-5 * ratio, "control": "", "inputs": "i", "code": "c",
        "canary": None if ratio is None else canary, "trail": [] if ratio is None else [decision], "reason": "", **more,
    }  # fmt: skip


def gate() -> dict[str, Any]:
    """A gate's block with every verdict and a finding."""
    first = {"verdict": "INCONCLUSIVE", "ratio": 1.04, "low": 0.9, "high": 1.2, "pairs": 5, "rounds": 20}
    undecided = kernel("expm[n=64]", "INCONCLUSIVE", 1.07, 0.04, pairs=10)
    kernels = [
        kernel("expm[n=4]", "SAME", 1.002), kernel("expm[n=8]", "FASTER", 0.81), undecided | {"trail": [first, undecided]},
        kernel("expm[n=16]", "SLOWER", 1.31, failed=True), kernel("l1[n=9]", "NEW", None, reason="base does not have it"),
        kernel("l2[n=9]", "GONE", None, failed=True, reason="head does not have it"),
        kernel("l1[n=99]", "CONTAMINATED", 1.1, reason="base against base differs as much: the machine is too noisy now"),
        kernel("l1[n=2]", "INCONCLUSIVE", 2.5, low=0.0, high=None),
    ]
    return {
        "schema": "detrace.gate/1", "created": "2026-01-31T14:20:00+00:00", "seconds": 93.2,
        "base": {"kind": "tree", "ref": "origin/main", "commit": "89abcdef0123456789"},
        "head": {"commit": "0123456789abcdef", "dirty": True}, "machine": "m", "fingerprint": {"cpu": "a processor"},
        "failed": True, "contaminated": True, "counts": {k["verdict"]: 1 for k in kernels} | {"INCONCLUSIVE": 2},
        "notes": ["a note about the gate"], "kernels": kernels,
        "correctness": {"compared": True, "notes": ["torch-cpu is not in this run: 4 items are not compared"], "findings": [
            {"kind": "newly violated", "law": "series", "subject": "mine", "space": "numpy-cpu-float64", "before": "held",
             "now": "violated, ratio 99.0"},
            {"kind": "law gone", "law": "an_old_law", "subject": "*", "space": "*", "before": "in the catalogue",
             "now": "gone"},
        ]},
    }  # fmt: skip


TRENDED = "expm[n=4,dtype=float64][reference-numpy-cpu-float64]"
"""The kernel whose trend has a step."""


def trend(runs: int = 24, kernels: int = 3) -> dict[str, Any]:
    """A gate's trend: the first kernel 21 % slower from its run 13 on, the others level, with noise that repeats."""
    draw = random.Random(1)
    found = {}
    for k in range(kernels):
        rows = []
        for i in range(runs):
            ratio = 3.2 * (1.21 if k == 0 and i >= 13 else 1.0) * (1 + draw.gauss(0, 0.01))
            rows.append([f"2026-{1 + i // 28:02d}-{1 + i % 28:02d}T10:00:00+00:00", f"{i:08x}89abcdef", ratio,
                         ratio * 0.98, ratio * 1.03])  # fmt: skip
        steps = [{"run": 13, "commit": rows[13][1], "factor": 1.21}] if k == 0 and runs > 16 else []
        name = f"expm[n={2 ** (k + 2)},dtype=float64][reference-numpy-cpu-float64]"
        found[name] = {"control": "gemm/1", "runs": rows, "steps": steps}
    return found


SPACES = (
    "numpy-cpu-float64", "numpy-cpu-float32", "torch-cpu-float64", "torch-cpu-float32", "jax-cpu-float64",
    "strict-device1-float64", "numpy-cpu-complex128", "torch-cpu-bfloat16",
)  # fmt: skip
WORDS = tuple("""every matrix vector plan bound rounding error sum the certified value of input against condition number
    exact fraction enclosure derivative inverse positive where cost marginal transport gradient softmax projection
    least largest entry norm scale unit last place at most twice and for with by is are holds order degree""".split())  # noqa: SIM905
SYMBOLS = ("A", "B", "x", "y", "p", "q", r"\alpha", r"\lambda", r"\sigma", "f", "g", "C", r"\gamma", "w", "K", "n")
SHAPES = (
    r"\sum_{{{0}}} {1}_{{{0}}} \left( {2} - {3} \right)^2 \le \max_{{{1}}} \langle {1}, {2} \rangle",
    r"\frac{{\partial {0}}}{{\partial {1}}} = \int {2}({3}) \, \mathrm{{d}} {3}",
    r"\| {0} {1} \|_F \le \| {0} \|_2 \, \| {1} \|_F + \sqrt{{{2}}} \, e^{{{3}}}",
    r"\min_{{{0} \in \Pi({1}, {2})}} \langle {3}, {0} \rangle = \max_{{{1} \oplus {2} \le {3}}} {1} + {2}",
)
SCRIPT = '''"""{subject} 1.2.3 violates: {law}.

    {tex}

error {error:.3g} is {ratio:.3g} times the bound {bound:.3g}; the limit is 30
Space: {space}. Found and shrunk by detrace.
"""
import numpy as np

"""{subject}: {words}."""

import {subject}

BACKENDS = "numpy"
REQUIRES = "{subject}"


def {contract}(A, cost, *, regularization=1.0, steps=1000):
    """{words}."""
    plan = {subject}.solve(np.asarray(A), np.asarray(cost), reg=regularization, num_iter=steps, log=False)
    return np.asarray(plan)


got_1 = {contract}(np.array({a}, dtype=np.float64), np.array({b}, dtype=np.float64))
print("{contract}:", got_1, sep="\\n")

# the value due, printed to the nearest double
true = np.array({true})
print("value due:", true, sep="\\n")

got = np.asarray(got_1).astype(np.float64)
error = np.linalg.norm(np.ravel(got - true)) / np.linalg.norm(np.ravel(true))
bound = {bound!r}  # {words}
ratio = error / bound if error else 0.0
print(f"error {{error:.3g}} is {{ratio:.3g}} times the bound {{bound:.3g}} (limit 30)")
raise SystemExit(0 if ratio < 30 else 1)
'''


class Suite:
    """A made-up run over many families, with numbers and words that do not repeat, so that they do not pack too well."""

    def __init__(self, families: int = FAMILIES, items: int = ITEMS, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self.document = results() | {"items": [], "laws": [], "contracts": [], "mutants": [], "ledger": [], "not_run": []}
        self.document |= {"benchmarks": [], "growth": [], "ratio_by_norm": []}
        self.document["families"] = [
            {"name": f"family_{k}", "title": f"Family {k}: {self.words(5)}", "order": k} for k in range(families)
        ]
        self.peers = [[f"library{k}_{j}" for j in range(2 + k % 3)] for k in range(families)]
        for k in range(families):
            self.family(k)
        self.subjects()
        self.judge(items)
        for k in range(families):
            self.time(k)

    def words(self, n: int) -> str:
        return " ".join(self.random.choices(WORDS, k=n))

    def array(self, n: int) -> dict[str, Any]:
        """Half of them of few digits, as inputs are drawn from bytes; half of seventeen, as they are scaled."""
        scale = self.random.choice([1 / 64, self.random.random()])
        return matrix(*([self.random.randint(-128, 127) * scale for _ in range(n)] for _ in range(n)))

    def shrunk(self, n: int) -> dict[str, Any]:
        """As Hypothesis leaves it."""
        return matrix(*([self.random.randint(-9, 9) / 4 for _ in range(n)] for _ in range(n)))

    def result(self, n: int) -> dict[str, Any]:
        return matrix(*([self.random.gauss(0, 1) for _ in range(n)] for _ in range(n)))

    def family(self, k: int) -> None:
        """Twenty-five theorems; in every third family three of them are about forty contracts."""
        wide, name = k % 3 == 2, f"family_{k}"
        contracts = [f"{self.random.choice(WORDS)}_{k}_{j}" for j in range(40 if wide else 12)]
        self.document["contracts"] += [
            {"name": c, "signature": "(n),(m),(n,m)->(n,m)", "summary": self.words(6), "family": name} for c in contracts
        ]
        for j in range(25):
            base = f"{'_'.join(self.random.choices(WORDS, k=4))}_{k}_{j}"
            tex = self.random.choice(SHAPES).format(*self.random.sample(SYMBOLS, 4))
            traps = [f"mistake_{k}_{j}_{i}" for i in range(2)]
            self.document["mutants"] += [
                {"name": t, "contract": contracts[0], "trap": self.words(9) + ".", "rejected_by": [base],
                 "space": "numpy-cpu-float64", "origin": self.words(4)} for t in traps
            ]  # fmt: skip
            about = contracts if wide and j < 3 else [contracts[j % len(contracts)]]
            statement = f"For {self.words(20)}.\n\nBound: {self.words(25)}, see `{about[0]}`."
            for c in about:
                self.document["laws"].append({
                    "name": f"{base}.{c}" if len(about) > 1 else base, "base": base, "family": name, "formula": tex,
                    "sources": [f"kexue.fm/archives/{6000 + 97 * k} ({j})"], "statement": statement, "contracts": [c],
                    "mutants": traps,
                })  # fmt: skip

    def subjects(self) -> None:
        every = [c["name"] for c in self.document["contracts"]]
        self.document["subjects"] = [
            {"name": "reference", "role": "reference", "version": "", "description": "", "offers": every, "missing": [],
             "conventions": {}}
        ]
        for k, names in enumerate(self.peers):
            mine = [c["name"] for c in self.document["contracts"] if c["family"] == f"family_{k}"]
            self.document["subjects"] += [
                {"name": s, "role": "peer", "version": f"{s} 1.2.{k}", "description": self.words(8), "offers": mine,
                 "missing": [c for c in every if c not in mine], "conventions": {}} for s in names
            ]  # fmt: skip

    def judge(self, n: int) -> None:
        """One in twenty-five of all items is violated, each with a script of its own; half of these are known."""
        pairs = [
            (law, s) for law in self.document["laws"]
            for s in ["reference", *self.peers[int(law["family"].rpartition("_")[2])]]
        ]  # fmt: skip
        for k in range(n):
            law, subject = pairs[k * 7919 % len(pairs)]
            space = SPACES[k // len(pairs) % len(SPACES)]
            one = item(law["name"], subject, space, worst=10 ** self.random.uniform(-4, 1.4))
            one |= {"examples": self.random.choice([25, 25, 25, 5, 47]), "undecided": k % 7}
            one["seconds"] = self.random.random() * 3
            one["input"] = {"A": self.array(2), "k": k} if k % 3 else {"x": self.array(4)}
            one["branches"] = self.branches(law["name"], space.rpartition("-")[2])
            if k % 25 == 7 and subject != "reference":
                one |= self.violation(law, subject, space, k)
            elif k % 40 == 9:
                one |= {"outcome": "undecided", "worst": None, "reason": self.words(8)}
            self.document["items"].append(one)
        for k in range(400):
            law, subject = pairs[k * 31 % len(pairs)]
            self.document["not_run"].append(
                {"law": law["name"], "subject": subject, "space": SPACES[k % 8], "reason": f"it {WORDS[k % 40]} too narrow"}
            )

    @staticmethod
    def branches(law: str, dtype: str) -> dict[str, int]:
        """Alike for all subjects: examples are drawn from a seed made of law and dtype."""
        draw = random.Random(f"{law} {dtype}")
        return {WORDS[(len(law) + i) % len(WORDS)]: draw.randint(1, 9) for i in range(5)}

    def violation(self, law: dict[str, Any], subject: str, space: str, k: int) -> dict[str, Any]:
        a, b, true = self.shrunk(3), self.shrunk(3), self.result(3)
        bound, ratio = self.random.random() * 1e-15, 10 ** self.random.uniform(1.5, 9)
        known = f"{subject}-{law['base']}" if k % 2 else None
        reason = f"error {bound * ratio:.3g} is {ratio:.3g} times the bound {bound:.3g}; the limit is 30"
        script = SCRIPT.format(
            subject=subject, law=law["name"], tex=law["formula"], error=bound * ratio, ratio=ratio, bound=bound,
            space=space, words=self.words(14), contract=law["contracts"][0], a=a["re"], b=b["re"], true=true["re"],
        )  # fmt: skip
        if known and all(e["id"] != known for e in self.document["ledger"]):
            self.document["ledger"].append({
                "id": known, "law": law["name"], "laws": [], "subject": subject, "spaces": [space],
                "verdict": ("defect", "by design", "unchecked")[len(self.document["ledger"]) % 3],
                "summary": self.words(25) + ".", "input": {"A": self.array(2)}, "measured": reason, "true": self.words(6),
                "upstream": f"https://example.org/issues/{k}", "versions": "<=2", "status": "reproduced", "reason": reason,
            })  # fmt: skip
        return {
            "outcome": "violated", "worst": ratio, "reason": reason, "script": script, "deviation": known,
            "input": {"A": a, "cost": b},
            "violation": {"kind": "ratio", "ratio": ratio, "error": bound * ratio, "bound": bound, "why": self.words(8),
                          "got": self.result(3), "truth": true, "calls": []},
        }  # fmt: skip

    def time(self, k: int) -> None:
        """Six contracts timed in each family, and samples of ratios for every other one."""
        mine = [c["name"] for c in self.document["contracts"] if c["family"] == f"family_{k}"][:6]
        for contract in mine:
            for subject in ["reference", *self.peers[k][:3]]:
                for n in (4, 16, 64, 256, 1024):
                    ratio = 10 ** self.random.uniform(0, 2) if subject != "reference" else 1.0
                    self.document["benchmarks"].append(TIMED | {
                        "contract": contract, "family": f"family_{k}", "subject": subject, "space": "numpy-cpu-float64",
                        "params": {"n": n, "dtype": "float64"}, "ratio": ratio, "ratio_low": ratio * 0.97,
                        "ratio_high": ratio * 1.02, "median_s": self.random.random() * 1e-3,
                        "limit_share": self.random.random(), "error_ratio": self.random.random() * 9,
                    })  # fmt: skip
                if contract not in mine[::2]:
                    continue
                self.document["ratio_by_norm"].append({
                    "contract": contract, "law": "", "subject": subject, "space": "numpy-cpu-float64",
                    "points": [[10 ** self.random.uniform(-4, 3), 10 ** self.random.uniform(-4, 1.4)] for _ in range(50)],
                })  # fmt: skip


def suite(families: int = FAMILIES, items: int = ITEMS, seed: int = 0) -> dict[str, Any]:
    """A document of the size to come."""
    return Suite(families, items, seed).document
