"""Networks of this package as modules of PyTorch. PyTorch is imported when it is needed."""

from __future__ import annotations

import importlib
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InputError
from .parameters import Gradients

if TYPE_CHECKING:
    from .network import Model


def as_module(model: Model) -> Any:
    """Return a ``torch.nn.Module`` that runs `model`, and through which PyTorch's gradients flow.

    Parameters are the model's memory: what a ``torch.optim`` optimizer changes, the model has; they are called as
    in ``model.parameters``. (Where they were replaced, by ``module.double()`` for instance, the model gets their
    values before each run.) In ``module.train()`` the network runs in training; what is left to chance there
    follows ``torch.manual_seed``. Gradients flow to inputs and parameters; second derivatives are refused.

    Parameters
    ----------
    model
        Keeps its parameters; the module refers to it as ``module.model``.

    Returns
    -------
    torch.nn.Module
        Called with tensors (batch, channels, height, width) in main memory, one for each input; returns a tensor,
        or a tuple for several outputs.

    Examples
    --------
    >>> import lookalike as la
    >>> module = la.torch.as_module(la.Model(la.input(3) | la.conv(8)))  # doctest: +SKIP
    >>> optimizer = torch.optim.SGD(module.parameters(), lr=0.1)  # doctest: +SKIP
    """
    torch: Any = importlib.import_module("torch")
    once_differentiable = torch.autograd.function.once_differentiable

    names = list(model.parameters)
    trainable = [name for name in names if model.parameters.is_trainable(name)]

    class Run(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, module: Any, options: Any, count: int, *tensors: Any) -> Any:
            run = module.run(tensors[:count], options)
            ctx.run, ctx.module, ctx.options, ctx.count = run, module, options, count
            ctx.save_for_backward(*tensors)  # PyTorch finds out if they change before `backward`
            return tuple(torch.from_numpy(output) for output in run.outputs)

        @staticmethod
        @once_differentiable  # type: ignore[untyped-decorator]
        def backward(ctx: Any, *gradients: Any) -> Any:
            tensors, count = ctx.saved_tensors, ctx.count
            wants = ctx.needs_input_grad[3:]
            if ctx.run is None:  # it went back already, and the graph was retained
                ctx.run = ctx.module.run_again(tensors[:count], ctx.options)
            block = np.zeros_like(model.gradients._block) if any(wants[count:]) else None
            given = [None if g is None else _numbers(g) for g in gradients]
            found = ctx.run._backward(given, block is not None, any(wants[:count]), block)
            ctx.run = None
            if block is not None:
                views = Gradients(block, model._network.table())
                found = [*found[:count], *([] if found else [None] * count)]
                found += [views[name] for name in trainable]
            return (
                *(None, None, None),
                *(
                    torch.from_numpy(np.ascontiguousarray(gradient)).to(tensor.dtype).reshape(tensor.shape)
                    if wanted
                    else None
                    for gradient, tensor, wanted in zip(found, tensors, wants)
                ),
                *([None] * (len(wants) - len(found))),
            )

    class LookalikeModule(torch.nn.Module):  # type: ignore[misc]
        """A network of Lookalike; see :func:`lookalike.torch.as_module`."""

        def __init__(self) -> None:
            super().__init__()
            self.lock = threading.RLock()
            self.model = model
            for name in names:
                *path, last = name.split(".")
                holder: Any = self
                for part in path:
                    if part not in holder._modules:
                        holder.add_module(part, torch.nn.Module())
                    holder = holder._modules[part]
                tensor = torch.from_numpy(model.parameters[name])
                if model.parameters.is_trainable(name):
                    holder.register_parameter(last, torch.nn.Parameter(tensor))
                else:
                    holder.register_buffer(last, tensor)

        def tensor(self, name: str) -> Any:
            """Return the parameter or buffer of that name."""
            *path, last = name.split(".")
            holder: Any = self
            for part in path:
                holder = holder._modules[part]
            return getattr(holder, last)

        def share(self) -> None:
            """Give the model the values of tensors that do not lie in its memory any more."""
            for name in names:
                tensor, view = self.tensor(name).detach(), model.parameters[name]
                if tensor.data_ptr() != view.ctypes.data:
                    view[...] = tensor.cpu().numpy()

        def fetch(self) -> None:
            """Give such tensors what the model remembers of the batch."""
            for name in names:
                tensor, view = self.tensor(name).detach(), model.parameters[name]
                if not model.parameters.is_trainable(name) and tensor.data_ptr() != view.ctypes.data:
                    tensor.copy_(torch.from_numpy(view))

        def run(self, inputs: Any, options: Any) -> Any:
            """Run the model on tensors."""
            with self.lock:
                self.share()
                run = model.forward(*map(_numbers, inputs), **options)
                self.fetch()
            return run

        def run_again(self, inputs: Any, options: Any) -> Any:
            """Run it as before; running averages do not change."""
            with self.lock:
                before = {name: model.parameters[name].copy() for name in names if name not in trainable}
                run = self.run(inputs, options)
                for name, kept in before.items():
                    model.parameters[name] = kept
                self.fetch()
            return run

        def forward(self, *inputs: Any) -> Any:
            if len(inputs) != len(model.input_names):
                raise InputError(
                    f"as_module: given {len(inputs)} inputs, wanted {len(model.input_names)}: "
                    + ", ".join(model.input_names)
                )
            tensors = (*inputs, *(self.tensor(name) for name in trainable))
            options = {
                "training": self.training,
                "seed": int(torch.randint(2**62, (1,)).item()) if self.training else 0,
                "differentiable": torch.is_grad_enabled() and any(t.requires_grad for t in tensors),
            }
            outputs = Run.apply(self, options, len(inputs), *tensors)
            return outputs[0] if len(outputs) == 1 else outputs

        def extra_repr(self) -> str:
            return f"{model.parameter_count} parameters, {model.dtype}"

    return LookalikeModule()


def _numbers(tensor: Any) -> Any:
    return tensor.detach().numpy()
