"""Where the site will stand, which version it is, and when a page was last changed."""

import re
import subprocess
from pathlib import Path

from sphinx.config import Config


def of_the_site(config: Config) -> str:
    """Return the public address of the site, with a slash at its end.

    It is ``html_baseurl`` of `_config.yml` where that is set, for a site on a host of its own;
    otherwise the address that GitHub Pages gives the repository.
    """
    if config.html_baseurl:
        return config.html_baseurl.rstrip("/") + "/"
    repository = config.html_theme_options["repository_url"]
    found = re.fullmatch(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?", repository)
    if not found:
        return repository.rstrip("/") + "/"
    owner, name = found.groups()
    own = name.lower() == f"{owner}.github.io".lower()
    return f"https://{owner.lower()}.github.io/" + ("" if own else f"{name}/")


def way_up(page: Path, out: Path) -> str:
    """Return the way from a page to the folder of the site: ``../`` for each folder above it."""
    return "../" * (len(page.relative_to(out).parts) - 1)


def version(root: str | Path) -> str:
    """Return the version of gdutils, which is the version of the course."""
    text = Path(root, "gdutils/__init__.py").read_text(encoding="utf-8")
    return re.search(r'(?m)^__version__ = "([^"]+)"', text)[1]


def last_change(root: str | Path, file: str | Path) -> str | None:
    """Return the day, year first, of the last commit that changed a file, or None without git."""
    command = ["git", "-C", str(root), "log", "-1", "--format=%cs", "--", str(file)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None  # a copy without git has no dates
    return done.stdout.strip() or None
