"""``python -m benchmarks [NAME …]``: run benchmark rows side by side and write the table."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from harness import Workload, run_workload  # noqa: E402
from results import machine, write_results  # noqa: E402


def find_workloads(patterns: list[str]) -> list[Workload]:
    """Load every ``benchmarks/<family>/<algorithm>.py``; keep what matches one of the patterns."""
    workloads = []
    for path in sorted(HERE.glob("*/*.py")):
        if path.name.startswith("_"):
            continue
        spec = importlib.util.spec_from_file_location(f"{path.parent.name}.{path.stem}", path)
        if spec is None or spec.loader is None:
            continue
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
        place = f"{path.parent.name}/{path.stem}"
        for workload in getattr(module, "WORKLOADS", []):
            if not patterns or any(p in place or p in workload.name for p in patterns):
                workloads.append(workload)
    return workloads


def main() -> int:
    """Run, print while running, and write JSON and Markdown at the end."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of family/algorithm or workload names")
    parser.add_argument("--peers", help="only these peers, separated by commas")
    parser.add_argument("--repeats", type=int, default=3, help="timings of each peer (default 3)")
    parser.add_argument("--timeout", type=float, default=150, help="seconds for one timing")
    parser.add_argument("--quick", action="store_true", help="one timing, at most 30 s, no file")
    parser.add_argument("--list", action="store_true", help="list the workloads and stop")
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.timeout = 1, 30
    workloads = find_workloads(options.names)
    if not workloads:
        print("no workload matches", " ".join(options.names), file=sys.stderr)
        return 2
    if options.list:
        for workload in workloads:
            print(f"{workload.name:40} {', '.join(workload.peers)}")
        return 0
    wanted = options.peers.split(",") if options.peers else None
    print(machine()["summary"])
    rows = []
    for workload in workloads:
        print(f"\n{workload.name}", flush=True)
        rows += run_workload(workload, wanted, options.repeats, options.timeout)
    if not options.quick:
        write_results(rows, HERE / "results", complete=not options.names and not wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
