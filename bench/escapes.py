"""How much luck a rejection is: how many of many seeds let a mutant pass a law that names it, in the quick profile.

``python -m bench.escapes --seeds 40 [--part 0/2] [MUTANT or FAMILY ...]`` prints what escapes at least once.
Seed 0 is the one that every run has. A law that lets a mutant pass in more than one seed of twenty needs inputs nearer to the
mistake, or more of them (`least`).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace

from detrace.engine import PROFILES, VIOLATED, run
from detrace.laws import Law
from detrace.mutants import Mutant
from detrace.spaces import space
from detrace.suite import Suite, load

QUICK = replace(PROFILES["quick"], shrink=False)


def escapes(suite: Suite, mutant: Mutant, law: Law, seeds: int) -> list[int]:
    """The seeds in which the law, as the quick profile asks it, lets the mutant pass; 0 is the one that users run."""
    where, subject = space(mutant.space), mutant.subject()
    profiles = ((seed, replace(QUICK, seed=seed)) for seed in range(seeds))
    return [seed for seed, profile in profiles if run(law, subject, where, suite.contracts, profile).outcome != VIOLATED]


def chosen(suite: Suite, words: list[str]) -> Iterator[Mutant]:
    """The mutants of these names or families, all if there is no word; those whose space is not here are left out."""
    for name, mutant in suite.mutants().items():
        family = suite.contracts[next(iter(mutant.functions))].family
        if words and name not in words and family not in words:
            continue
        try:
            space(mutant.space)
        except ValueError as error:
            print(f"{name}: not run, {error}")
            continue
        yield mutant


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="MUTANT or FAMILY")
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--part", default="0/1", help="I/N: every Nth mutant from the Ith on")
    given = parser.parse_args()
    part, parts = map(int, given.part.split("/"))
    suite = load()
    for mutant in list(chosen(suite, given.words))[part::parts]:
        for law in (law for law in suite.laws.values() if mutant.rejects(law)):
            if passed := escapes(suite, mutant, law, given.seeds):
                print(f"{len(passed):3d} of {given.seeds}  {mutant.name}  {law.name}{'  (seed 0)' * (0 in passed)}", flush=True)


if __name__ == "__main__":
    main()
