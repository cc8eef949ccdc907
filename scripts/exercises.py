"""Make the students' copies of the problem sets out of their masters.

    python scripts/exercises.py                          # exercises/, with the masters' numbers
    python scripts/exercises.py --seed 7                 # with other numbers
    python scripts/exercises.py --seed 7 --out elsewhere

Whoever grades says the same seed to the grader, which works out the answers again.
"""

import argparse
import sys
from pathlib import Path

from normalise import dumps, normalise

ROOT = Path(__file__).resolve().parents[1]
EXERCISES = ROOT / "exercises"
sys.path.insert(0, str(ROOT))  # instructor/ is part of the project and of no package


def main(arguments=None):
    from instructor.grader import masters

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0, help="of the numbers; 0: the masters' own")
    parser.add_argument("--out", type=Path, default=EXERCISES, help="default: exercises/")
    options = parser.parse_args(arguments)
    if options.seed < 0:
        parser.error(f"--seed must be 0 or larger, got {options.seed}")
    for name in masters.names():
        problem_set = masters.load(name, options.seed)
        path = options.out / f"{problem_set.slug}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(problem_set), encoding="utf-8", newline="\n")
        print(path)
    if options.seed:
        print(f"Grade them with SEED={options.seed}, and tell nobody that number.")
    return 0


def text(problem_set):
    """Return the text of the notebook that is handed out."""
    return dumps(normalise(problem_set.student))


if __name__ == "__main__":
    sys.exit(main())
