"""Write the address of the repository wherever it is needed.

It stands once, in _config.yml (`repository.url`). A fork runs

    python scripts/set_address.py --set https://github.com/somebody/downhill

and commits what changed. Without an option the address of _config.yml is written to all other
places; `--check` changes nothing and fails if one of them differs.
"""

import argparse
import re
import sys
from pathlib import Path

import nbformat

from normalise import dumps, normalise

CONFIG = re.compile(r"^(repository:\n(?:[ \t]+.*\n)*?[ \t]+url:[ \t]*)(\S+)", re.MULTILINE)
CONSTANT = re.compile(r'^REPOSITORY = "(.*)"$', re.MULTILINE)
INSTALL = re.compile(r"git\+(https?://[^\s\"'`)}]+)")
ADDRESS = re.compile(r"https://[a-z0-9.-]+\.[a-z]+(/[A-Za-z0-9][A-Za-z0-9._-]*){2,}")

# Files that must name the address, and all those that may.
NEEDED = ("CITATION.cff", "README.md", "gdutils/__init__.py", "index.md", "pyproject.toml")
PLACES = (
    *NEEDED,
    "*.md",
    "appendix/*.md",
    "chapters/*.ipynb",
    "data/*.md",
    "exercises/*.ipynb",
    "gdutils/*.py",
    "instructor/*/*.ipynb",
)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--set", metavar="URL", help="make URL the address, here and everywhere")
    action.add_argument("--check", action="store_true", help="change nothing, report differences")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1])
    options = parser.parse_args(arguments)
    try:
        if options.check:
            problems = check(options.root)
            print("\n".join(problems) or f"{address_of(options.root)} everywhere")
            return 1 if problems else 0
        changed = write(options.root, options.set)
    except ValueError as error:
        parser.error(str(error))
    print("\n".join(f"{path}: address written" for path in changed) or "nothing to change")
    return 0


def address_of(root):
    """Return the address that _config.yml gives."""
    found = CONFIG.search((root / "_config.yml").read_text(encoding="utf-8"))
    if not found:
        raise ValueError("_config.yml has no repository.url")
    return valid(found[2].strip("\"'"))


def valid(address):
    """Return `address`, or say what is wrong with it."""
    if not ADDRESS.fullmatch(address) or address.endswith(".git"):
        raise ValueError(
            "the address must be https://host/owner/name, without a slash or .git at its end, "
            f"got {address!r}"
        )
    return address


def write(root, new=None):
    """Write the address to every place; return the paths that changed."""
    changed = []
    if new is not None:
        config = root / "_config.yml"
        text = config.read_text(encoding="utf-8")
        address_of(root)
        changed += save(config, text, CONFIG.sub(rf"\g<1>{valid(new)}", text, count=1), root)
    old = CONSTANT.search((root / "gdutils/__init__.py").read_text(encoding="utf-8"))
    if not old:
        raise ValueError('gdutils/__init__.py has no line REPOSITORY = "..."')
    swaps = replacements(old[1], address_of(root))
    for path in places(root):
        text = path.read_text(encoding="utf-8")
        changed += save(path, text, rewritten(path, text, swaps), root)
    return changed


def places(root):
    return sorted({path for pattern in PLACES for path in root.glob(pattern)})


def replacements(old, new):
    """Return the forms in which an address occurs, old and new: as itself, and in Colab's links."""
    swaps = [(old, new)]
    if old.startswith("https://github.com/") and new.startswith("https://github.com/"):
        colab = "https://colab.research.google.com/github/"
        swaps.append(tuple(colab + url.removeprefix("https://github.com/") for url in (old, new)))
    return [(re.compile(re.escape(before) + r"(?![\w-])"), after) for before, after in swaps]


def rewritten(path, text, swaps):
    if not any(pattern.search(text) for pattern, _ in swaps):
        return text
    for pattern, after in swaps:
        text = pattern.sub(after, text)
    if path.suffix == ".ipynb":  # the ids of cells follow from their source
        text = dumps(normalise(nbformat.reads(text, as_version=4)))
    return text


def save(path, before, after, root):
    if after == before:
        return []
    path.write_text(after, encoding="utf-8", newline="\n")
    return [path.relative_to(root).as_posix()]


def check(root):
    """Return one line for each place that does not give the address of _config.yml."""
    address = address_of(root)
    problems = []
    for name in NEEDED:
        path = root / name
        if not path.is_file() or address not in path.read_text(encoding="utf-8"):
            problems.append(f"{name}: does not name {address}; run scripts/set_address.py")
    for path in places(root):
        for found in set(INSTALL.findall(path.read_text(encoding="utf-8"))):
            if found.rstrip("\\n") != address and "{" not in found:
                name = path.relative_to(root).as_posix()
                problems.append(f"{name}: installs from {found}, not from {address}")
    return problems


if __name__ == "__main__":
    sys.exit(main())
