"""``python -m benchmarks [NAME …]``: run benchmark rows side by side and write the table."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from harness import Workload, load_module, run_workload  # noqa: E402
from results import machine, write_results  # noqa: E402


@dataclass(frozen=True)
class Place:
    """A workload and the file that holds it."""

    path: Path
    workload: Workload


def find_workloads(patterns: list[str]) -> list[Place]:
    """Load every ``benchmarks/<family>/<algorithm>.py``; keep what matches one of the patterns."""
    found = [
        Place(path, workload)
        for path in sorted(HERE.glob("*/*.py"))
        if not path.name.startswith("_")
        for workload in getattr(load_module(path), "WORKLOADS", [])
    ]
    names = {place.workload.name for place in found}
    exact = [pattern for pattern in patterns if pattern in names]
    return [
        place
        for place in found
        if not patterns
        or place.workload.name in exact
        or any(
            pattern in f"{place.path.parent.name}/{place.path.stem}"
            or pattern in place.workload.name
            for pattern in patterns
            if pattern not in exact
        )
    ]


def list_workloads(places: list[Place]) -> None:
    """Print what there is: file, workload, peers, note."""
    family = ""
    for place in places:
        here = f"{place.path.parent.name}/{place.path.stem}"
        if here != family:
            family = here
            print(family)
        workload = place.workload
        twin = f" (plain: in {workload.twin})" if workload.twin else ""
        note = f"; {workload.note}" if workload.note else ""
        print(f"  {workload.name:36} {', '.join(workload.peers)}{twin}{note}")


def run_accuracy(names: list[str], wanted: list[str] | None, seconds: float) -> int:
    """Fit what is not yet done, and write the page; 3 where there was not time enough for all."""
    from accuracy.page import write_page
    from accuracy.run import run

    store = HERE / "results" / "accuracy.json"
    done = run(names, wanted, store, seconds)
    write_page(store, store.with_suffix(".md"))
    print(f"written to {store.with_suffix('.md')}")
    return 0 if done else 3


def main() -> int:
    """Run, print while running, and write JSON and Markdown at the end."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", help="a workload's name, or part of family/algorithm or of names"
    )
    parser.add_argument("--peers", help="only these peers, separated by commas")
    parser.add_argument("--repeats", type=int, default=5, help="timings of each peer (default 5)")
    parser.add_argument("--timeout", type=float, default=180, help="seconds for one timing")
    parser.add_argument("--quick", action="store_true", help="one timing, at most 30 s, no file")
    parser.add_argument(
        "--accuracy", action="store_true",
        help="go on with the table of accuracy over real data sets (names are sets, peers models)",
    )  # fmt: skip
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="end --accuracy after this time"
    )
    parser.add_argument("--list", action="store_true", help="list the workloads and stop")
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.timeout = 1, 30
    if options.repeats < 1 or options.timeout <= 0:
        parser.error("--repeats and --timeout must be positive")
    wanted = options.peers.split(",") if options.peers else None
    if options.accuracy:
        return run_accuracy(options.names, wanted, options.seconds)
    places = find_workloads(options.names)
    if not places:
        print("no workload matches", " ".join(options.names), "(see --list)", file=sys.stderr)
        return 2
    if options.list:
        list_workloads(places)
        return 0
    if wanted and not any(peer in place.workload.peers for place in places for peer in wanted):
        print("no such peer here:", options.peers, "(see --list)", file=sys.stderr)
        return 2
    print(machine()["summary"])
    rows = []
    for place in places:
        note = f": {place.workload.note}" if place.workload.note else ""
        print(f"\n{place.workload.name}{note}", flush=True)
        rows += run_workload(place.path, place.workload, wanted, options.repeats, options.timeout)
    if not options.quick:
        write_results(
            rows,
            {place.workload.name: place.workload for place in places},
            HERE / "results",
            complete=not options.names and not wanted,
        )
        print(f"\nwritten to {HERE / 'results' / 'README.md'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
