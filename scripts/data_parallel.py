"""Fit a line to the airfoil table with every batch shared between processes.

    torchrun --nproc-per-node 2 scripts/data_parallel.py --epochs 2 --batch 10 --out weights.json

One process for each GPU uses nccl, any number on the CPU gloo. Without torchrun the script is one
process, whose weights the others must reproduce.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from gdutils.data import airfoil, minibatches


def main():
    arguments = parse(sys.argv[1:])
    rank, processes, device = join()
    model = torch.nn.Linear(5, 1, dtype=torch.float64, device=device)
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)  # all start alike; else rank 0 would broadcast its weights
    optimiser = torch.optim.SGD(model.parameters(), lr=arguments.lr)
    X, y = standardised(device)  # (1500, 5), (1500,)
    generator = torch.Generator().manual_seed(arguments.seed)  # all draw the same order
    for _ in range(arguments.epochs):
        for xb, yb in minibatches(X, y, batch=arguments.batch, generator=generator):
            mine = slice(rank, None, processes)  # every so many rows of the batch
            loss = half_squared_errors(model, xb[mine], yb[mine])
            optimiser.zero_grad()
            # Divided by the rows of the whole batch, the shares add up to its mean gradient
            # even where they differ in size; a mean of means would not.
            (loss / len(yb)).backward()
            if processes > 1:
                for parameter in model.parameters():
                    dist.all_reduce(parameter.grad, op=dist.ReduceOp.SUM)
            optimiser.step()
    if rank == 0:
        report(model, X, y, processes, arguments.out)
    if processes > 1:
        dist.destroy_process_group()


def join():
    """Return this process's rank, the number of processes and its device, as torchrun says."""
    processes = int(os.environ.get("WORLD_SIZE", 1))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    device = torch.device("cpu")
    if torch.cuda.device_count() >= here:
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
        torch.cuda.set_device(device)
    if processes > 1:
        dist.init_process_group("gloo" if device.type == "cpu" else "nccl")
    return int(os.environ.get("RANK", 0)), processes, device


def standardised(device):
    """Return the first 1500 rows, each column with the mean and deviation of all 1503 taken out."""
    table = airfoil()
    columns = (torch.as_tensor(array, device=device) for array in (table.X, table.y))
    return [((c - c.mean(0)) / c.std(0, correction=0))[:1500] for c in columns]


def half_squared_errors(model, X, y):
    return ((model(X).squeeze(-1) - y) ** 2).sum() / 2


def report(model, X, y, processes, out):
    with torch.no_grad():
        loss = half_squared_errors(model, X, y).item() / len(y)
    weights = model.weight.squeeze(0).tolist()
    result = {"processes": processes, "device": X.device.type, "loss": loss}
    result |= {"weights": weights, "bias": model.bias.item()}
    text = json.dumps(result, indent=2)
    print(text) if out is None else out.write_text(text + "\n", encoding="utf-8")


def parse(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a JSON file; printed without it")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
