"""Several processes that train one model, as ``torchrun`` starts them.

Every process holds the whole model and the whole data, draws the same order, and
takes every so many rows of each batch. One sum over all processes a step gives the
gradient and the loss of the whole batch, so that all take the same step.
"""

import atexit
import os

import torch
import torch.distributed as dist

from gdutils import _random


def own_device(device):
    """Return the device that this process is to use, if several were started on this machine."""
    if not _started_by_torchrun():
        return device
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", os.environ["WORLD_SIZE"]))
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    name = str(device)
    if name in ("auto", "cuda") and gpus >= processes:
        return f"cuda:{os.environ.get('LOCAL_RANK', os.environ['RANK'])}"
    if name == "auto":
        return "cpu"
    if name.startswith("cuda") and processes > 1:
        raise ValueError(
            "device must be 'auto', 'cpu' or, with a GPU for each process, 'cuda' under torchrun, "
            f"got {name!r} for {processes} processes and {gpus} GPUs"
        )
    return device


def join(device):
    """Return the Team that this process belongs to, or None if it is alone."""
    if not dist.is_available():
        return None
    if not dist.is_initialized():
        if not _started_by_torchrun():
            return None
        if device.type == "cuda":
            torch.cuda.set_device(device)
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(_leave)
    return Team(device) if dist.get_world_size() > 1 else None


def _started_by_torchrun():
    return "RANK" in os.environ and int(os.environ.get("WORLD_SIZE", 1)) > 1


def _leave():
    if dist.is_initialized():
        dist.destroy_process_group()


class Team:
    """This process among the others. Its methods must be called by all of them alike."""

    def __init__(self, device):
        self.rank, self.size, self.device = dist.get_rank(), dist.get_world_size(), device

    def share(self, tensor):
        """Return this process's rows of a batch, perhaps none."""
        return tensor[self.rank :: self.size]

    def part(self, tensor):
        """Return this process's rows of a table, which lie together, perhaps none."""
        return tensor.tensor_split(self.size)[self.rank]

    def first(self, function):
        """Return in every process what `function` returns in the first, or raise its error."""
        answer = [None, None]
        if self.rank == 0:
            try:
                answer[0] = function()
            except (OSError, ValueError) as error:
                answer[1] = error
        dist.broadcast_object_list(answer, src=0, device=self.device)
        if answer[1] is not None:
            raise answer[1]
        return answer[0]

    def start_alike(self, model):
        """Give every process the weights and buffers of the first."""
        for tensor in (*model.parameters(), *model.buffers()):
            self._take_from_first(tensor)

    def generator(self, generator):
        """Return a generator that draws in every process what the first one's would."""
        if generator is None:
            # Not torch's global one: processes with rows of their own use it differently.
            generator = torch.Generator()
            state = generator.manual_seed(int(torch.randint(2**62, ()))).get_state()
        else:
            state = _random.state_of(generator)
        _random.put_state(generator, self.first(lambda: state))
        return generator

    def add_up(self, parameters, value):
        """Sum the gradients in place, and return the sum of `value`."""
        # One message: whether there is a gradient at all, the loss, then the gradients. A
        # parameter without any stays so, because an optimiser passes over it.
        there = [float(parameter.grad is not None) for parameter in parameters]
        parts = [torch.tensor(there, device=self.device), value.reshape(1).to(self.device)]
        for parameter in parameters:
            gradient = parameter.grad
            empty = gradient is None
            parts.append((torch.zeros_like(parameter) if empty else gradient).reshape(-1))
        message = torch.cat(parts).detach()
        dist.all_reduce(message)
        # Reading the flags would make every step wait for a GPU; mostly there is no need to.
        anywhere = there if all(there) else (message[: len(parameters)] > 0).tolist()
        start = len(parameters) + 1
        for parameter, some in zip(parameters, anywhere, strict=True):
            stop = start + parameter.numel()
            if some:
                gradient = message[start:stop].view(parameter.shape)
                parameter.grad = torch.empty_like(parameter).copy_(gradient)
            start = stop
        return message[len(parameters)].clone()

    def total(self, numbers):
        """Return each number summed over the processes."""
        message = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        dist.all_reduce(message)
        return message.tolist()

    def agree_on_buffers(self, model):
        """Average the running statistics, which each process took of its own rows only."""
        for name, buffer in model.named_buffers():
            if name.rpartition(".")[2] in ("running_mean", "running_var"):
                message = buffer.contiguous()
                dist.all_reduce(message)
                buffer.copy_(message / self.size)
            else:
                self._take_from_first(buffer)

    @staticmethod
    def _take_from_first(tensor):
        message = tensor.detach().contiguous()
        dist.broadcast(message, src=0)
        with torch.no_grad():
            tensor.copy_(message)
