"""Seconds to .926 test accuracy: the recipe of chapter 15 against the published one.

Theirs is ResNet-18 on pictures resized to 96 x 96, Adam, five epochs, fed by a `DataLoader` that
converts image by image. It would take most of an hour, so its speed is measured over a few batches,
in turn with our runs, and the time is worked out: 5 x 60,000 images at that speed. Ours is run
whole, with the five seeds of data/runs/capstone-nine.json: the recipe of chapter 15, cut to the
nine epochs in which its median reaches the target.
"""

import dataclasses
import statistics
import time

import torch
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.input_pipeline import PerImage, theirs
from benchmarks.sidebyside import row
from gdutils import networks, records
from gdutils.data import fashion_mnist

PUBLISHED_EPOCHS, PUBLISHED_IMAGES, PUBLISHED_ACCURACY = 5, 60_000, 0.926
TARGET = 80.0
SIDE, BATCH = 96, 256
MATRIX = 2048


def run(quick=False):
    """Return one row for the time and one for each network's share of the peak."""
    data = fashion_mnist()
    published = Published(data, batch=8 if quick else BATCH)
    configuration = records.load("capstone-nine").configuration
    if quick:
        configuration["epochs"] = 1
        data = dataclasses.replace(
            data, train_images=data.train_images[:300], train_labels=data.train_labels[:300]
        )
    batches, theirs_per_s, ours_s, test = 1 if quick else 3, [], [], []
    for seed in range(1 if quick else 5):
        theirs_per_s.append(published.speed(batches))
        _, result = records.run(configuration, data, seed, device="cpu", progress=False)
        ours_s.append(result["seconds_training"])
        test.append(result["test"])
    theirs_per_s.append(published.speed(batches))
    seconds, images = statistics.median(ours_s), result["samples"][-1]
    speeds = {"recipe": images / seconds, "published": statistics.median(theirs_per_s)}
    worked_out = PUBLISHED_EPOCHS * PUBLISHED_IMAGES / speeds["published"]
    task = f"Fashion-MNIST to {PUBLISHED_ACCURACY} on the test set"
    if not quick:
        task += f" (ours {statistics.median(test):.4f})"
    first = row(task, seconds, worked_out, TARGET)
    first |= {"images_per_s": speeds["recipe"], "published_images_per_s": speeds["published"]}
    peak = matrix_peak(2 if quick else 5)
    recipe = records.build(configuration, 55_000)[0]
    shapes = {"recipe": (recipe, 28), "published": (published.model, SIDE)}
    shares = [share(name, *shapes[name], speeds[name], peak) for name in shapes]
    return [first, *shares]


class Published:
    """The published recipe, as far as its speed goes."""

    def __init__(self, data, batch):
        torch.manual_seed(0)
        self.model = networks.resnet18().train()
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=1e-3)
        self.loader, self.batch = theirs(PerImage(data, batch, SIDE), workers=0), batch

    def speed(self, batches):
        """Return images/s over so many batches, after one that is not counted."""
        self.step()
        start = time.perf_counter()
        for _ in range(batches):
            self.step()
        return batches * self.batch / (time.perf_counter() - start)

    def step(self):
        for xb, yb in self.loader:
            self.optimiser.zero_grad()
            cross_entropy(self.model(xb), yb).backward()
            self.optimiser.step()


def matrix_peak(rounds):
    """Return the best float32 matrix product's speed, in operations per second."""
    a, b = torch.randn(2, MATRIX, MATRIX)
    best = float("inf")
    for _ in range(rounds + 1):
        start = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - start)
    return 2 * MATRIX**3 / best


def share(name, model, side, speed, peak):
    """Return a row: the part of the peak that the convolutions and products of training reach."""
    xb, yb = torch.zeros(1, 1, side, side), torch.zeros(1, dtype=torch.long)
    model.train()
    with FlopCounterMode(display=False) as counter:
        # Batch statistics of one picture will do: every channel has many values.
        cross_entropy(model(xb), yb).backward()
    operations = counter.get_total_flops()
    return {
        "task": f"{name}: share of the float32 matrix-product peak",
        "share": operations * speed / peak,
        "operations_per_image": operations,
        "images_per_s": speed,
        "peak_per_s": peak,
    }
