import pytest

import gdutils


def test_a_chapter_that_needs_a_newer_gdutils_says_so_and_how():
    with pytest.raises(ImportError, match=r"needs gdutils 99\.0\.0 or newer, but .* --upgrade"):
        gdutils.require("99.0.0")


def test_versions_are_compared_as_numbers(monkeypatch):
    monkeypatch.setattr(gdutils, "__version__", "0.10.0")
    gdutils.require("0.9.2")


@pytest.mark.parametrize("version", ["1.0", "one", None])
def test_a_version_that_is_none_is_named(version):
    with pytest.raises(ValueError, match="three numbers"):
        gdutils.require(version)


def test_submodules_load_when_asked_for():
    assert gdutils.descent.gradient_descent
    assert set(gdutils.__all__) <= set(dir(gdutils))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = gdutils.nothing
