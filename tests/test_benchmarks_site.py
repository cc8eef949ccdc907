"""The benchmark of the site: what the other side is made of, and what is said to miss a target."""

import json
import re
import urllib.error
import urllib.request

import pytest
import yaml
from myst_nb.core.config import ipywidgets_js_factory
from sphinx.ext.mathjax import MATHJAX_URL

from benchmarks import site
from benchmarks.host import served

SCORES = {preset: {"scores": list(target)} for preset, target in site.TARGET.items()}


def measured(size=100_000, requests=10, third_party=0, hosts=(), **scores):
    """Return what `measure.mjs` says of a page that reaches every target."""
    lighthouse = {**SCORES, **{preset: {"scores": found} for preset, found in scores.items()}}
    return {
        "bytes": size,
        "requests": requests,
        "third_party": third_party,
        "third_party_hosts": list(hosts),
        "lighthouse": lighthouse,
    }


def results(ours, theirs=None, page="chapters/01-a.html"):
    yield {"lighthouse": "1", "chromium": "2", "node": "3"}
    yield {"page": page, "side": "ours", **ours}
    yield {"page": page, "side": "defaults", **(theirs or measured(1_000_000, 50, 10))}
    yield {"page": page, "first_widget_ms": {"ours": [3.0, 1.0, 2.0], "defaults": [9.0, 8.0, 10.0]}}


def test_the_other_side_has_the_same_sources_and_no_setting_of_ours(tmp_path):
    altered = site.copy_sources(tmp_path)
    config = yaml.safe_load((tmp_path / "_config.yml").read_text(encoding="utf-8"))
    assert config.keys() == {
        "author",
        "bibtex_bibfiles",
        "execute",
        "logo",
        "repository",
        "title",
    }
    names = site.contents(yaml.safe_load((site.ROOT / "_toc.yml").read_text(encoding="utf-8")))
    assert len(names) > 20
    copied = {
        path.relative_to(tmp_path).with_suffix("").as_posix()
        for path in tmp_path.rglob("*")
        if path.suffix in (".ipynb", ".md")
    }
    assert copied == set(names)
    for path in tmp_path.rglob("*.ipynb"):
        assert path.read_bytes() == (site.ROOT / path.relative_to(tmp_path)).read_bytes()
    assert "index.html" in altered  # it has an explorer
    assert not [page for page in altered if page.startswith("chapters/")]


def test_a_page_that_our_build_makes_is_not_asked_of_the_other_side():
    toc = {"root": "index", "parts": [{"chapters": [{"file": "appendix/made"}, {"file": "index"}]}]}
    assert site.with_sources(toc)["parts"] == [{"chapters": [{"file": "index"}]}]


def test_only_directives_that_need_an_extension_of_ours_are_replaced():
    text = "a\n\n```{explorer} b 0\n```\n\n```{note}\nc\n```\n\n:::{automodule} d\n:::\n"
    text += "\n```python\ne\n```\n"
    plain = site.without_own_directives(text)
    assert plain.count(site.WITHOUT) == 2
    assert "explorer" not in plain and "automodule" not in plain
    assert "```{note}\nc\n```" in plain and "```python\ne\n```" in plain


def test_a_page_that_reaches_every_target_misses_nothing():
    page, *summaries, _instruments = site.rows(results(measured()))
    assert page["misses"] == []
    shares = [row["share_of_defaults"] for row in summaries]
    assert shares == pytest.approx([0.1, 0.2, 2 / 9])
    assert "too much" not in site.table([page, *summaries])


@pytest.mark.parametrize(
    "ours, said",
    [
        (measured(mobile=[0.89, 1, 1, 1]), "mobile performance 0.89, not 0.90"),
        (measured(desktop=[1, 0.98, 1, 1]), "desktop accessibility 0.98, not 1.00"),
        (measured(size=300_500), "300.5 kB, not 300"),
        (measured(third_party=1, hosts=["cdn.example"]), "requests to cdn.example"),
        (measured(requests=17), "34%, which is too much"),
    ],
)
def test_what_misses_a_target_is_said_in_the_table(ours, said):
    assert said in site.table(site.rows(results(ours)))


def test_a_page_that_only_we_can_build_is_compared_with_nothing():
    rows = site.rows(
        [*list(results(measured())), {"page": "index.html", "side": "ours", **measured()}]
    )
    line = next(line for line in site.table(rows).splitlines() if line.startswith("index"))
    assert line.split("|")[1].split() == ["–"] * 5


def test_a_benchmark_that_cannot_be_run_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(site, "SITE", tmp_path)
    with pytest.raises(site.NotMeasured, match="make book"):
        site.run()


def test_the_host_compresses_text_and_knows_what_is_not_there(tmp_path):
    text = "<p>a</p>" * 1000
    (tmp_path / "index.html").write_text(text, encoding="utf-8")
    with served(tmp_path) as base:
        with urllib.request.urlopen(f"{base}/") as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            assert int(answer.headers["Content-Length"]) < len(text) / 10
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{base}/missing.html")


def test_the_mirror_serves_the_versions_that_jupyter_book_asks_for():
    packages = json.loads((site.HERE / "package.json").read_text(encoding="utf-8"))
    pins = packages["devDependencies"]
    addresses = " ".join([MATHJAX_URL, *ipywidgets_js_factory()])
    for name, version in re.findall(r"/npm/((?:@[\w-]+/)?[\w-]+)@([\d.]+)", addresses):
        assert f"{pins[name]}.".startswith(f"{version}."), f"{name} is asked for at {version}"
    assert f"/require.js/{pins['requirejs']}/" in addresses
    lock = json.loads((site.HERE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert not [name for name, package in lock.items() if "resolved" in package]
    assert lock[""]["devDependencies"] == pins
