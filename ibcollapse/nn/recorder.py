"""Forward hooks that write what a network computes to a feature file."""

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from ibcollapse.errors import InputError
from ibcollapse.features import FeatureWriter


class FeatureRecorder:
    """Writes layers, labels, classifier and logits of any torch module, checkpoint by checkpoint.

    Hooks exist only while a batch is recorded, so training runs at its own speed. Modules that
    `torch.compile` has wrapped are recorded as they were before, and run uncompiled meanwhile:
    compiled code calls no hooks that it did not know of.

    Parameters
    ----------
    writer : FeatureWriter
        The open file.
    model : nn.Module
        Any module; layers are named as in `model.named_modules()`, without the `_orig_mod` of
        `torch.compile`.
    layers : sequence of str, or mapping of str to str
        Modules whose outputs are written; a mapping gives each module another name in the file.
    classifier : str, optional
        The `nn.Linear` that makes the logits. Its weight and bias are written once an epoch, its
        output as logits, and its input as the layer `classifier_input`: what it reads is
        recorded, not inferred.
    classifier_input : str
        Name of that layer in the file.
    pool : callable, optional
        Turns an output of more than two dimensions, (n, ...), into (n, d), for example
        `lambda x: x.mean(dim=(2, 3))`.

    Raises
    ------
    InputError
        When a module is unknown, does not run exactly once a batch, or gives no (n, d) tensor.

    Examples
    --------
    >>> import tempfile, pathlib, torch
    >>> from ibcollapse.features import FeatureWriter
    >>> model = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))
    >>> batches = [(torch.randn(4, 3), torch.tensor([0, 1, 0, 1]))]
    >>> with FeatureWriter(pathlib.Path(tempfile.mkdtemp()) / "run.h5") as writer:
    ...     recorder = FeatureRecorder(writer, model, classifier="2")
    ...     recorder.record(batches, epoch=0, split="train")
    """

    def __init__(
        self,
        writer: FeatureWriter,
        model: nn.Module,
        *,
        layers: Sequence[str] | Mapping[str, str] = (),
        classifier: str | None = None,
        classifier_input: str = "penultimate",
        pool: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        named = (
            dict(layers) if isinstance(layers, Mapping) else {_plain(name): name for name in layers}
        )
        if not named and classifier is None:
            raise InputError("nothing to record: name at least one of layers or a classifier")
        if classifier is not None and classifier_input in named:
            raise InputError(
                f"layer {classifier_input!r} is also the name of the classifier's input; "
                "choose another with classifier_input="
            )
        self.model = model
        self._writer = writer
        self._modules = {name: _submodule(model, path) for name, path in named.items()}
        self._classifier = None if classifier is None else _linear(model, classifier)
        self._classifier_input = classifier_input
        self._pool = pool
        self._epochs_with_classifier: set[int] = set()

    def record(self, batches: Iterable[Sequence[Any]], *, epoch: int, split: str = "train") -> None:
        """Run the model over `batches` in evaluation mode, without gradients, and write them.

        Parameters
        ----------
        batches : iterable of (inputs, labels) or (inputs, labels, ids)
            For example a DataLoader. Inputs are moved to the device of the model's parameters;
            ids are unique names of the samples and align two files.
        epoch, split
            Where the batches go in the file.
        """
        parameter = next(self.model.parameters(), None)
        with evaluation(self.model):
            for inputs, labels, *ids in batches:
                if parameter is not None:
                    inputs = inputs.to(parameter.device)
                with self.capture(labels, epoch=epoch, split=split, ids=ids[0] if ids else None):
                    self.model(inputs)

    @contextlib.contextmanager
    def capture(
        self, labels: ArrayLike | Tensor, *, epoch: int, split: str = "train", ids: Any = None
    ) -> Iterator[None]:
        """Write the one forward pass of the model that runs inside the block.

        For loops whose batches `record` does not understand; modes and gradients are the caller's.
        """
        caught: dict[str, Tensor] = {}
        handles = [
            module.register_forward_hook(functools.partial(self._catch, caught, name))
            for name, module in self._modules.items()
        ]
        if self._classifier is not None:
            handles.append(
                self._classifier.register_forward_hook(
                    functools.partial(self._catch_classifier, caught)
                )
            )
        try:
            with _uncompiled(self.model):
                yield
        finally:
            for handle in handles:
                handle.remove()
        self._write(caught, labels, epoch, split, ids)

    def _catch(
        self, caught: dict[str, Tensor], name: str, module: nn.Module, inputs: Any, output: Any
    ) -> None:
        if name in caught:
            raise InputError(f"layer {name!r} ran twice in one forward pass; record another module")
        caught[name] = self._rows(name, output)

    def _catch_classifier(
        self, caught: dict[str, Tensor], module: nn.Module, inputs: tuple[Any, ...], output: Any
    ) -> None:
        if not inputs:
            raise InputError("the classifier was called by keyword; call it as classifier(x)")
        self._catch(caught, self._classifier_input, module, (), inputs[0])
        self._catch(caught, _LOGITS, module, (), output)

    def _rows(self, name: str, output: Any) -> Tensor:
        if not isinstance(output, Tensor):
            raise InputError(
                f"layer {name!r} gives a {type(output).__name__}, not a tensor; record a module "
                "inside it"
            )
        rows = output.detach()
        if rows.ndim > 2 and self._pool is not None:
            rows = self._pool(rows)
        elif rows.ndim > 2 and rows[0].numel() == rows.shape[1]:
            rows = rows.flatten(1)
        if rows.ndim != 2:
            raise InputError(
                f"layer {name!r} gives shape {tuple(output.shape)}; pass pool= to make it (n, d), "
                "for example pool=lambda x: x.mean(dim=(2, 3))"
            )
        # A copy at once: a later in-place activation would change what was caught.
        return rows.to("cpu", copy=True)

    def _write(
        self, caught: dict[str, Tensor], labels: Any, epoch: int, split: str, ids: Any
    ) -> None:
        logits = caught.pop(_LOGITS, None)
        expected = set(self._modules)
        if self._classifier is not None:
            expected.add(self._classifier_input)
        if silent := sorted(expected - set(caught)):
            raise InputError(f"layers {silent} did not run in this forward pass; nothing to record")
        # The order of `layers`, not of execution: the first is the file's default.
        features = {name: caught.pop(name) for name in self._modules} | caught
        self._writer.append(features, labels, epoch=epoch, split=split, ids=ids, logits=logits)
        if self._classifier is not None and epoch not in self._epochs_with_classifier:
            weight, bias = self._classifier.weight, self._classifier.bias
            self._writer.classifier(weight, bias, layer=self._classifier_input, epoch=epoch)
            self._epochs_with_classifier.add(epoch)


# Not a possible layer name: names with "/" are refused by the writer.
_LOGITS = "/logits"
# The child of a module that `torch.compile` returns, which is the module that was given to it.
_COMPILED = "_orig_mod"


@contextlib.contextmanager
def evaluation(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; each module's own mode is restored afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def _uncompiled(model: nn.Module) -> contextlib.AbstractContextManager[object]:
    """Forward passes inside run as Python, with the hooks that there are."""
    if hasattr(torch.compiler, "set_stance"):
        stance: contextlib.AbstractContextManager[object] = torch.compiler.set_stance("force_eager")
        return stance
    if any(_COMPILED in name.split(".") for name, _ in model.named_modules()):
        raise InputError("recording a compiled model needs torch 2.6; record it uncompiled")
    return contextlib.nullcontext()


def _plain(path: str) -> str:
    return ".".join(part for part in path.split(".") if part != _COMPILED)


def _inside(module: nn.Module) -> nn.Module:
    """What `torch.compile` was given, if this is what it returned."""
    while isinstance(inner := module._modules.get(_COMPILED), nn.Module):
        module = inner
    return module


def _submodule(model: nn.Module, path: str) -> nn.Module:
    module = _inside(model)
    try:
        for part in filter(None, _plain(path).split(".")):
            module = _inside(module.get_submodule(part))
        return module
    except AttributeError as error:
        names = [_plain(name) for name, _ in model.named_modules()]
        names = [name for name in dict.fromkeys(names) if name]
        shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        raise InputError(f"the model has no module {path!r}; it has {shown}") from error


def _linear(model: nn.Module, path: str) -> nn.Linear:
    module = _submodule(model, path)
    if not isinstance(module, nn.Linear):
        raise InputError(f"classifier {path!r} is a {type(module).__name__}; expected nn.Linear")
    return module
