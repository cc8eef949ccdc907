"""Fashion-MNIST from memory to float batches, at 28 x 28 and resized to 96 x 96.

Ours is one uint8 tensor: slices of a shuffled index, converted (and resized) a batch at a time.
Theirs is a `DataLoader` over images that are converted one by one as torchvision's `FashionMNIST`
with `Resize` and `ToTensor` does it: an array, a Pillow image, a resized Pillow image, a tensor.
Workers are started before the clock and kept; their best setting is the faster of 0 and 2 workers.
"""

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from benchmarks.sidebyside import compare, row
from gdutils.data import fashion_mnist, minibatches

BATCH = 256
TARGETS = {28: 30.0, 96: 2.0}
WORKERS = (0, 2)


def run(quick=False):
    """Return a row for each size and number of workers."""
    data = fashion_mnist()
    rows = []
    for side, target in TARGETS.items():
        n = 2 * BATCH if quick else {28: 60_000, 96: 20 * BATCH}[side]
        images = torch.from_numpy(data.train_images[:n])[:, None]  # (n, 1, 28, 28)
        labels = torch.from_numpy(data.train_labels[:n])
        contenders = {"ours": lambda i=images, k=labels, s=side: exhaust(ours(i, k, s))}
        for workers in WORKERS:
            loader = theirs(PerImage(data, n, side), workers)
            contenders[workers] = lambda loader=loader: exhaust(loader)
        seconds = compare(contenders, rounds=1 if quick else 5)
        best = min(seconds[workers] for workers in WORKERS)
        for workers in WORKERS:
            task = f"{n} images, {side} x {side}, {workers} workers"
            result = row(task, seconds["ours"], seconds[workers], target, best)
            rate = {"ours_images_per_s": n / seconds["ours"]}
            rows.append(result | rate | {"theirs_images_per_s": n / seconds[workers]})
    return rows


def ours(images, labels, side, shuffle=True):
    """Yield float images in [0, 1], shape (b, 1, side, side), and int64 labels."""
    for xb, yb in minibatches(images, labels, batch=BATCH, shuffle=shuffle):
        xb = xb.float().mul_(1 / 255)
        if side != xb.shape[-1]:
            xb = torch.nn.functional.interpolate(xb, size=side, mode="bilinear")
        yield xb, yb.long()


def theirs(dataset, workers, shuffle=True):
    return DataLoader(
        dataset,
        BATCH,
        shuffle=shuffle,
        num_workers=workers,
        persistent_workers=workers > 0,
    )


class PerImage(Dataset):
    """The first n training images, each converted when it is asked for."""

    def __init__(self, data, n, side):
        self.images, self.labels = data.train_images[:n], data.train_labels[:n]
        self.side = side

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = Image.fromarray(self.images[i])
        if self.side != image.width:
            image = image.resize((self.side, self.side), Image.Resampling.BILINEAR)
        array = np.array(image, copy=True)  # (side, side)
        return torch.from_numpy(array)[None].to(torch.float32).div(255), int(self.labels[i])


def exhaust(batches):
    for _ in batches:
        pass
