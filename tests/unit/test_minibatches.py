import subprocess
import sys

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from gdutils import _batches
from gdutils.data import minibatches

# The chunk that is gathered at once must show in no result; tables here are tiny.
CHUNKS = [1, 100, 2**20]


def numpy_table(n):
    return np.arange(2 * n).reshape(n, 2), np.arange(n)


def torch_table(n):
    return torch.arange(2 * n).reshape(n, 2), torch.arange(n)


def generators():
    return [np.random.default_rng(7), torch.Generator().manual_seed(7), None]


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("table", [numpy_table, torch_table])
@pytest.mark.parametrize("batch", [1, 3, 10, 23])
def test_every_row_comes_once_and_keeps_its_label(table, batch, chunk, monkeypatch):
    monkeypatch.setattr(_batches, "CHUNK", chunk)
    for generator in generators():
        X, y = table(23)
        seen = []
        for xb, yb in minibatches(X, y, batch=batch, generator=generator):
            assert type(xb) is type(X) and type(yb) is type(y)
            assert_array_equal(xb, np.stack([2 * yb, 2 * yb + 1], 1))
            seen += yb.tolist()
        assert sorted(seen) == list(range(23))
        assert seen != list(range(23))


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("table", [numpy_table, torch_table])
def test_the_last_partial_batch_is_kept_unless_told(table, shuffle, chunk, monkeypatch):
    monkeypatch.setattr(_batches, "CHUNK", chunk)

    def sizes(n, batch, **options):
        slices = minibatches(*table(n), batch=batch, shuffle=shuffle, **options)
        return [len(yb) for _, yb in slices]

    assert sizes(23, 5) == [5, 5, 5, 5, 3]
    assert sizes(23, 5, drop_last=True) == [5, 5, 5, 5]
    assert sizes(20, 5) == sizes(20, 5, drop_last=True) == [5, 5, 5, 5]


@pytest.mark.parametrize("table", [numpy_table, torch_table])
def test_the_same_seed_gives_the_same_order_and_the_next_epoch_another(table):
    for make in (np.random.default_rng, torch.Generator().manual_seed):
        orders = []
        for _ in range(2):
            generator = make(3)
            for _ in range(2):
                batches = minibatches(*table(50), batch=7, generator=generator)
                orders.append([i for _, yb in batches for i in yb.tolist()])
        assert orders[0] == orders[2] and orders[1] == orders[3]
        assert orders[0] != orders[1]


@pytest.mark.parametrize("chunk", CHUNKS)
def test_the_order_is_that_of_the_generators_own_permutation(chunk, monkeypatch):
    monkeypatch.setattr(_batches, "CHUNK", chunk)
    wanted = torch.randperm(40, generator=torch.Generator().manual_seed(1))
    generator = torch.Generator().manual_seed(1)
    got = [yb for _, yb in minibatches(*torch_table(40), batch=6, generator=generator)]
    assert torch.equal(torch.cat(got), wanted)


def test_without_a_generator_torch_draws_for_tensors():
    orders = []
    for _ in range(2):
        torch.manual_seed(5)
        orders.append(torch.cat(list(minibatches(torch.arange(30), batch=4))))
    assert torch.equal(*orders)


def test_arrays_and_tensors_go_together():
    X, y = numpy_table(9)[0], torch_table(9)[1]
    for xb, yb in minibatches(X, y, batch=2, generator=np.random.default_rng(0)):
        assert_array_equal(xb[:, 0], 2 * yb.numpy())


def test_without_shuffling_the_rows_keep_their_order():
    X, y = numpy_table(7)
    assert_array_equal(
        np.concatenate([xb for xb, _ in minibatches(X, y, batch=3, shuffle=False)]), X
    )


def test_changing_a_shuffled_batch_leaves_the_table_alone():
    for y in (np.arange(8.0), torch.arange(8.0)):
        for yb in minibatches(y, batch=3):
            yb *= 0
        assert y.tolist() == list(range(8))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_batches_stay_on_the_gpu_whichever_generator_draws():
    X = torch.arange(20, device="cuda")
    for generator in (*generators(), torch.Generator("cuda").manual_seed(0)):
        batches = list(minibatches(X, batch=6, generator=generator))
        assert all(batch.device == X.device for batch in batches)
        assert torch.equal(torch.cat(batches).sort().values, X)


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        (numpy_table(5), {"batch": 0}, "batch must be at least 1, got 0"),
        (numpy_table(5), {"batch": 2.0}, "batch must be a whole number, got 2.0"),
        (numpy_table(5), {"batch": 6}, "batch must be at most 5, the number of rows, got 6"),
        (numpy_table(0), {"batch": 1}, "at least one row, got an empty table"),
        (torch_table(0), {"batch": 1}, "at least one row, got an empty table"),
        ((), {"batch": 1}, "at least one array, got none"),
        ((np.zeros(3), np.zeros(4)), {"batch": 1}, r"same number of rows, got \[3, 4\]"),
        ((np.zeros(3), [1, 2, 3]), {"batch": 1}, r"arrays\[1\] must be a NumPy array .* got list"),
        ((np.float64(3) * np.ones(()),), {"batch": 1}, r"arrays\[0\] must .*, got float64"),
        ((torch.tensor(3.0),), {"batch": 1}, r"arrays\[0\] must have rows, got a single number"),
        (numpy_table(5), {"batch": 1, "generator": 7}, "generator must be a numpy.* got 7"),
    ],
)
def test_bad_input_is_named_at_the_call(arrays, options, message):
    with pytest.raises(ValueError, match=message):
        minibatches(*arrays, **options)


def test_numpy_arrays_need_no_torch():
    code = (
        "import sys, numpy; from gdutils.data import minibatches;"
        "print(len(list(minibatches(numpy.arange(5), batch=2))), 'torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.split() == ["3", "False"]
