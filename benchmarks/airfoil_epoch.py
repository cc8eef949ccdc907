"""One epoch of linear regression on the airfoil table, at batch 1, 10 and 100.

Ours is `gdutils.training.train`. Theirs is the loop of the source documents: a `DataLoader` over a
`TensorDataset`, `nn.Linear`, `nn.MSELoss` and `optim.SGD`, the loader made anew for each run. Their
best setting is the same loop over a loader that takes a batch by one index (`BatchSampler` as the
sampler, `batch_size=None`). Nothing is evaluated; every run makes its model, optimiser and loader
inside the clock.
"""

import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

from benchmarks.sidebyside import compare, row
from gdutils.data import airfoil
from gdutils.training import half_mean_squared_error, train

TARGETS = {1: 1.2, 10: 1.4, 100: 3.0}
ROUNDS = {1: 7, 10: 21, 100: 41}
RATES = {1: 0.005, 10: 0.05, 100: 0.4}


def run(quick=False):
    """Return a row for each batch size."""
    X, y = standardised()
    if quick:
        X, y = X[:200], y[:200]
    rows = []
    for batch, target in TARGETS.items():
        contenders = {
            "ours": lambda b=batch: ours(X, y, b),
            "theirs": lambda b=batch: theirs(X, y, b),
            "best": lambda b=batch: theirs(X, y, b, by_batch=True),
        }
        seconds = compare(contenders, rounds=1 if quick else ROUNDS[batch])
        task = f"airfoil epoch, batch {batch}"
        rows.append(row(task, target=target, **seconds))
    return rows


def standardised():
    table = airfoil()
    columns = (torch.as_tensor(a, dtype=torch.float32) for a in (table.X, table.y))
    return [((c - c.mean(0)) / c.std(0, correction=0))[:1500] for c in columns]


def ours(X, y, batch):
    """Train for one epoch and return the weights."""
    model = nn.Linear(5, 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=RATES[batch])
    train(
        model,
        (X, y),
        loss=half_mean_squared_error,
        optimiser=optimiser,
        batch=batch,
        epochs=1,
        evaluate_on={},
        device="cpu",
        progress=False,
    )
    return model


def theirs(X, y, batch, by_batch=False):
    """Train for one epoch as the source documents do, or with the loader's fastest setting."""
    model, loss = nn.Sequential(nn.Linear(5, 1)), nn.MSELoss()
    optimiser = torch.optim.SGD(model.parameters(), lr=RATES[batch])
    rows = TensorDataset(X, y)
    if by_batch:
        sampler = BatchSampler(RandomSampler(rows), batch, drop_last=False)
        loader = DataLoader(rows, sampler=sampler, batch_size=None)
    else:
        loader = DataLoader(rows, batch, shuffle=True)
    for xb, yb in loader:
        value = loss(model(xb).view(-1), yb) / 2
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
    return model
