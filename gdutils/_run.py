"""The state of a run of `gdutils.training.train`: what a step and an evaluation do to it."""

import math
import time

import numpy as np
import torch

from gdutils import _evaluation, _validate

# Reading a loss makes the processor wait for an accelerator, so there it is done now and then.
STEPS_BETWEEN_READS = 50
RUNNING = 0.95  # share of the past in the accuracy that the bar shows
LISTS = {
    "seen": torch.int64,
    "losses": torch.float64,
    "eval_seen": torch.int64,
    "eval_seconds": torch.float64,
}
TABLES = ("eval_losses", "eval_accuracies")


class Run:
    """`step` and `evaluate` advance it; `state` and `resume` carry it to another process."""

    def __init__(self, forward, loss, smoothed, optimiser, schedule, tables, order, team):
        self.forward, self.loss, self.smoothed = forward.shortest(), loss, smoothed
        self.optimiser, self.schedule, self.tables = optimiser, schedule, tables
        self.order, self.team = order, team
        self.model, self.device = forward.model, forward.device
        self.evaluated = forward  # not compiled: evaluation batches have other shapes
        self.augment = None
        self.parameters = list(self.model.parameters())
        self.read_every = 1 if self.device.type == "cpu" else STEPS_BETWEEN_READS
        self.samples, self.stopped = 0, None
        self.seen, self.losses, self.unread = [], [], []
        self.counting, self.accuracy, self.unread_hits = False, None, []
        self.eval_seen, self.eval_seconds = [], []
        self.eval_losses = {name: [] for name in tables}
        self.eval_accuracies = {}
        self.last_is_extra = False
        self.training = self.evaluating = 0.0
        self.clock = time.perf_counter()

    def compile(self):
        self.forward = self.evaluated.through(torch.compile(self.model)).shortest()

    def step(self, xb, yb):
        if self.schedule is not None:
            t = len(self.seen)
            eta = _validate.number(f"schedule({t})", self.schedule(t), at_least=0)
            for group in self.optimiser.param_groups:
                group["lr"] = eta
        for parameter in self.parameters:
            parameter.grad = None  # what zero_grad does, in a twentieth of the time
        rows = len(yb)
        if self.augment is not None:
            xb = self.augment(xb, self.order.generator)
        if self.team is None:
            value = self.gradient(xb, yb)
        else:
            xb, yb = self.team.share(xb), self.team.share(yb)
            value = self.gradient(xb, yb, len(yb) / rows) if len(yb) else torch.zeros(())
            value = self.team.add_up(self.parameters, value)
        self.optimiser.step()
        self.samples += rows
        self.seen.append(self.samples)
        self.unread.append(value)
        if len(self.unread) == self.read_every:
            self.read_losses()

    def gradient(self, xb, yb, share=1):
        """Return the loss of a batch, or of this process's `share` of it; set the gradients."""
        output = self.forward(xb)
        value = self.smoothed(output, yb)
        if value.ndim != 0:
            raise ValueError(f"loss must return a scalar, got shape {tuple(value.shape)}")
        if share != 1:
            # The shares of the processes then add up to the mean over the whole batch.
            value = value * share
        value.backward()
        if self.counting:
            self.unread_hits.append((output.detach().argmax(1) == yb).float().mean())
        return value.detach()

    def read_losses(self):
        """Fetch the losses of the latest steps; stop at the first that is not finite."""
        one = len(self.unread) == 1
        values = [self.unread[0].item()] if one else torch.stack(self.unread).tolist()
        self.unread.clear()
        for value in values:
            self.losses.append(value)
            if not math.isfinite(value):
                step = len(self.losses)
                self.stopped = (
                    f"the loss of step {step} is {value}, at sample {self.seen[step - 1]}"
                )
                break
        if self.unread_hits:
            for fraction in torch.stack(self.unread_hits).tolist():
                before = fraction if self.accuracy is None else self.accuracy
                self.accuracy = RUNNING * before + (1 - RUNNING) * fraction
            self.unread_hits.clear()

    def latest(self):
        """Return what the bar says."""
        words = [f"loss {self.losses[-1]:.4g}"] if self.losses else []
        if self.accuracy is not None:
            words.append(f"accuracy {self.accuracy:.3f}")
        return ", ".join(words)

    def evaluate(self):
        if self.unread:
            self.read_losses()
        if self.team is not None:
            self.team.agree_on_buffers(self.model)
        self.training += self.lap()
        self.eval_seen.append(self.samples)
        self.eval_seconds.append(self.training)
        for name, (X, y) in self.tables.items():
            value, right = _evaluation.means(self.evaluated, X, y, self.loss, team=self.team)
            self.eval_losses[name].append(value)
            if right is not None:
                self.eval_accuracies.setdefault(name, []).append(right)
            if not (math.isfinite(value) or self.stopped):
                self.stopped = f"the loss on {name!r} is {value}, after sample {self.samples}"
        self.evaluating += self.lap()

    def lap(self):
        """Return the seconds since the last call, once the device has done its work."""
        _synchronise(self.device)
        before, self.clock = self.clock, time.perf_counter()
        return self.clock - before

    def conclude(self):
        """Evaluate at the end, unless that was just done."""
        if self.eval_seen[-1] != self.samples:
            self.evaluate()
            self.last_is_extra = True  # a run with more epochs would not have it

    def history(self):
        """Return the fields of a History."""
        return {
            "samples": np.array(self.seen[: len(self.losses)]),
            "losses": np.array(self.losses),
            "eval_samples": np.array(self.eval_seen),
            "eval_losses": {k: np.array(values) for k, values in self.eval_losses.items()},
            "eval_accuracies": {k: np.array(values) for k, values in self.eval_accuracies.items()},
            "eval_seconds": np.array(self.eval_seconds),
            "seconds_training": self.training,
            "seconds_evaluating": self.evaluating,
            "stopped": self.stopped,
            "device": str(self.device),
        }

    def state(self):
        """Return all that a later process needs to go on, as tensors and plain data."""
        self.training += self.lap()
        cuda = torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None
        lists = {k: torch.tensor(getattr(self, k), dtype=kind) for k, kind in LISTS.items()}
        tables = {
            name: {k: torch.tensor(v, dtype=torch.float64) for k, v in getattr(self, name).items()}
            for name in TABLES
        }
        return {
            "model": self.model.state_dict(),
            "buffers": dict(self.model.named_buffers()),  # with those that state_dict leaves out
            "optimiser": self.optimiser.state_dict(),
            "order": self.order.state(),
            "torch": torch.get_rng_state(),
            "cuda": cuda,
            "samples": self.samples,
            "last_is_extra": self.last_is_extra,
            "seconds": [self.training, self.evaluating],
            **lists,
            **tables,
        }

    def resume(self, state, total):
        """Go on from a `state` towards `total` samples."""
        self.model.load_state_dict(state["model"])
        with torch.no_grad():
            for name, buffer in self.model.named_buffers():
                buffer.copy_(state["buffers"][name])
        self.optimiser.load_state_dict(state["optimiser"])
        self.samples, (self.training, self.evaluating) = state["samples"], state["seconds"]
        for name in LISTS:
            setattr(self, name, state[name].tolist())
        for name in TABLES:
            setattr(self, name, {key: values.tolist() for key, values in state[name].items()})
        self.last_is_extra = state["last_is_extra"]
        if self.last_is_extra and self.samples < total:
            for values in (self.eval_seen, self.eval_seconds):
                values.pop()
            for values in (*self.eval_losses.values(), *self.eval_accuracies.values()):
                values.pop()
            self.last_is_extra = False
        if self.team is None or self.team.rank == 0:
            torch.set_rng_state(state["torch"])
            if self.device.type == "cuda" and state["cuda"] is not None:
                torch.cuda.set_rng_state(state["cuda"], self.device)
        self.order.resume(state["order"])
        self.clock = time.perf_counter()

    def is_sound(self):
        """Whether all losses, weights and buffers are finite."""
        if self.unread:
            self.read_losses()
        tensors = [*self.parameters, *self.model.buffers()]
        return self.stopped is None and all(bool(torch.isfinite(t).all()) for t in tensors)


def _synchronise(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
