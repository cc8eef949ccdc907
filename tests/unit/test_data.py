"""What `airfoil` and `fashion_mnist` return, for small files of the same form and the real ones."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import gdutils
from gdutils import _files, data, standins
from gdutils._registry import Record, records

ROOT = Path(gdutils.__file__).resolve().parent.parent
IMAGES = np.arange(3 * 2 * 4, dtype=np.uint8).reshape(3, 2, 4)
LABELS = np.array([9, 0, 4], dtype=np.uint8)
ROWS = "800\t0\t0.3048\t71.3\t0.00266\t126.2\n1000\t1.5\t0.3048\t71.3\t0.00266\t125.2\n"


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.tobytes()


@pytest.fixture
def small_files(tmp_path, monkeypatch):
    """Put small files where the real ones would be found, and register their hashes."""
    contents = {
        "airfoil_self_noise.dat": ROWS.encode(),
        "train-images-idx3-ubyte": idx(IMAGES),
        "train-labels-idx1-ubyte": idx(LABELS),
        "t10k-images-idx3-ubyte": idx(IMAGES[:1]),
        "t10k-labels-idx1-ubyte": idx(LABELS[:1]),
    }
    fake = {}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        fake[name] = Record(name, "toy", {digest: len(content)}, ())
    monkeypatch.setattr(data, "records", lambda dataset: fake)
    monkeypatch.setenv("GDUTILS_DATA", str(tmp_path))


@pytest.fixture(scope="module")
def real():
    """The two real data sets; skips where they are not on this machine."""
    if _files.stand_in_wanted():
        pytest.skip("needs the real data, but GDUTILS_DATA=stand-in")
    with pytest.MonkeyPatch.context() as patch:
        for dataset in ("airfoil", "fashion-mnist"):
            for name, record in records(dataset).items():
                offline = Record(name, record.folder, record.contents, mirrors=())
                patch.setitem(records(dataset), name, offline)
        try:
            return data.airfoil(), data.fashion_mnist()
        except _files.DataError as error:
            pytest.skip(f"needs the real data: {str(error).splitlines()[0]}")


def test_importing_data_loads_nothing_that_only_a_download_or_a_network_needs():
    heavy = ("torch", "pooch", "tqdm", "requests", "matplotlib")
    code = f"import sys, gdutils.data; print([m for m in {heavy} if m in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert run.stdout.strip() == "[]"


def test_airfoil_splits_the_table_into_features_and_target(small_files):
    table = data.airfoil()
    assert_allclose(table.X, [[800, 0, 0.3048, 71.3, 0.00266], [1000, 1.5, 0.3048, 71.3, 0.00266]])
    assert_allclose(table.y, [126.2, 125.2])
    assert len(table.columns) == len(table.units) == table.X.shape[1]
    assert repr(table) == (
        "<Table 'Airfoil self-noise': 2 rows, 5 features, target 'sound pressure level'>"
    )


def test_fashion_mnist_reads_big_endian_idx_files(small_files):
    images = data.fashion_mnist()
    np.testing.assert_array_equal(images.train_images, IMAGES)
    np.testing.assert_array_equal(images.train_labels, LABELS)
    np.testing.assert_array_equal(images.test_images, IMAGES[:1])
    np.testing.assert_array_equal(images.test_labels, LABELS[:1])
    assert images.train_images.dtype == np.uint8
    assert repr(images) == (
        "<Images 'Fashion-MNIST': 3 for training and 1 for testing, 2 x 4, 10 classes>"
    )


def test_real_data_are_never_called_stand_ins(small_files):
    for dataset in (data.airfoil(), data.fashion_mnist()):
        assert not dataset.is_stand_in
        assert "stand-in" not in repr(dataset) + dataset.name


def test_stand_ins_say_so_in_name_and_repr(monkeypatch):
    monkeypatch.setenv("GDUTILS_DATA", "stand-in")
    for dataset in (data.airfoil(), data.fashion_mnist()):
        assert dataset.is_stand_in
        assert dataset.name.endswith("(stand-in)")
        assert "(stand-in)" in repr(dataset)


def test_missing_data_never_become_stand_ins_by_themselves(tmp_path, monkeypatch):
    monkeypatch.setenv("GDUTILS_DATA", str(tmp_path))
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / "cache")
    nowhere = Record("toy.dat", "toy", {"0" * 64: 1}, ())
    names = ("airfoil_self_noise.dat", "train-images-idx3-ubyte")
    monkeypatch.setattr(data, "records", lambda dataset: dict.fromkeys(names, nowhere))
    for load in (data.airfoil, data.fashion_mnist):
        with pytest.raises(data.DataError, match=r"no good copy of toy\.dat"):
            load()


@pytest.mark.parametrize("source", ["small_files", "stand-in"])
def test_arrays_belong_to_the_caller(source, request, monkeypatch):
    """torch.from_numpy warns of read-only arrays, and a change must not reach the next caller."""
    if source == "small_files":
        request.getfixturevalue("small_files")
    else:
        monkeypatch.setenv("GDUTILS_DATA", "stand-in")
    for load, field in ((data.airfoil, "X"), (data.fashion_mnist, "test_images")):
        first = getattr(load(), field)
        kept = first.copy()
        first += 1
        np.testing.assert_array_equal(getattr(load(), field), kept)


def test_registry_names_hash_size_licence_citation_and_several_mirrors():
    registry = json.loads((Path(data.__file__).parent / "registry.json").read_text("utf-8"))
    assert set(registry) == {"airfoil", "fashion-mnist"}
    for entry in registry.values():
        assert entry["licence"] and entry["citation"] and entry["homepage"].startswith("https://")
        for file in entry["files"].values():
            assert len(set(file["mirrors"])) >= 3
            for content in file["contents"]:
                assert re.fullmatch("[0-9a-f]{64}", content["sha256"])
                assert content["bytes"] > 0


def test_data_cards_show_the_hashes_and_licences_of_the_registry():
    cards = (ROOT / "appendix" / "data-cards.md").read_text("utf-8")
    registry = json.loads((Path(data.__file__).parent / "registry.json").read_text("utf-8"))
    for entry in registry.values():
        assert entry["licence"] in cards
        for name, file in entry["files"].items():
            assert name in cards
            for content in file["contents"]:
                assert content["sha256"] in cards


def test_real_airfoil_table_has_the_published_values(real):
    table, _ = real
    assert table.X.shape == (1503, 5) and table.y.shape == (1503,)
    assert table.X.dtype == table.y.dtype == np.float64
    assert_allclose(table.X[0], [800, 0, 0.3048, 71.3, 0.00266337])
    assert table.y[0] == 126.201
    assert_allclose(table.X.min(axis=0), [200, 0, 0.0254, 31.7, 0.000400682])
    assert_allclose(table.X.max(axis=0), [20000, 22.2, 0.3048, 71.3, 0.0584113])
    assert (table.y.min(), table.y.max()) == (103.38, 140.987)


def test_real_fashion_mnist_has_the_published_values(real):
    _, images = real
    assert images.train_images.shape == (60000, 28, 28)
    assert images.test_images.shape == (10000, 28, 28)
    assert images.train_images.dtype == images.train_labels.dtype == np.uint8
    # To the five digits that are published.
    assert_allclose(images.train_images.mean() / 255, 0.28604, atol=5e-6)
    assert_allclose(images.train_images.std() / 255, 0.35302, atol=5e-6)
    assert np.bincount(images.train_labels).tolist() == [6000] * 10
    assert np.bincount(images.test_labels).tolist() == [1000] * 10
    assert images.train_labels[:5].tolist() == [9, 0, 0, 3, 0]
    assert images.classes[images.train_labels[0]] == "ankle boot"


def test_stand_in_table_repeats_no_row_of_the_real_one(real):
    table, _ = real
    real_rows = {tuple(row) for row in np.column_stack([table.X, table.y])}
    assert not real_rows & {tuple(row) for row in standins.airfoil()}
