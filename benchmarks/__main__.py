"""Run the benchmarks, print a table, write JSON."""

import argparse
import json
import os
import sys
from pathlib import Path

from benchmarks import airfoil_epoch, grading, input_pipeline, site, time_to_accuracy
from benchmarks.sidebyside import machine, shares, table
from gdutils.data import airfoil

BENCHMARKS = {
    "airfoil": airfoil_epoch.run,
    "pipeline": input_pipeline.run,
    "accuracy": time_to_accuracy.run,
    "grading": grading.run,
    "site": site.run,
}
RESULTS = Path(__file__).parent / "results.json"


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, help="one of them, or some")
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes: that it runs, not how fast"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="the JSON file")
    arguments = parser.parse_args()
    names = arguments.only or list(BENCHMARKS)
    result = {
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS"),
        "machine": machine(),
        "stand_in_data": airfoil().is_stand_in if names != ["site"] else None,
        "rows": [],
        "not_measured": {},
    }
    for name, run in BENCHMARKS.items():
        if name not in names:
            continue
        try:
            result["rows"] += run(quick=arguments.quick)
        except site.NotMeasured as reason:
            if arguments.only:
                parser.exit(1, f"{name}: {reason}\n")
            result["not_measured"][name] = str(reason)
    compared = [row for row in result["rows"] if "ratio" in row]
    if compared:
        print(table(compared))
    shared = [row for row in result["rows"] if "share" in row]
    if shared:
        print(shares(shared))
    for row in result["rows"]:
        if "peak_bytes" in row:
            limits = f"at most {row['at_most_s']} s and {row['at_most_bytes'] / 2**20:,.0f} MiB"
            taken = f"{row['seconds']:.0f} s, {row['peak_bytes'] / 2**20:,.0f} MiB"
            print(f"\n{row['task']}: {taken} ({limits})")
    if any("page" in row for row in result["rows"]):
        print("\n" + site.table(result["rows"]))
    for name, reason in result["not_measured"].items():
        print(f"\n{name}: not measured, {reason}")
    m = result["machine"]
    print(f"\n{m['processor']}, {m['cores']} cores, torch {m['torch']}, {m['date']}")
    print(
        "Medians; contenders timed in turn within one run. benchmarks/README.md says who they are."
    )
    arguments.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"JSON: {arguments.out}")


if __name__ == "__main__":
    main()
