"""Checks of a network and of a step of its training: on few rows, in less than a second, before it is trained.

The recipe is Karpathy's ("A Recipe for Training Neural Networks", 2019): look at the loss at the start, overfit one
batch, and doubt everything in between.
"""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from msgspec import Struct
from torch import Tensor, nn

from mlspec.steps.diagnosis.finding import Check
from mlspec.torchkit import stepping
from mlspec.torchkit.loop import Loss, Rows

ROWS, FEW, BATCH = 512, 64, 32
STEPS = 150
ALIKE = 0.95  # share of rows for which a unit is at its end
WILD = 5.0  # times the loss at the start
REFERENCE = 3e-3  # a learning rate at which AdamW fits one batch, if anything does
SQUASHED: dict[type[nn.Module], float] = {nn.Tanh: 0.99, nn.Sigmoid: 0.99}

Step = Callable[[nn.Module, torch.optim.Optimizer, Sequence[Tensor], Tensor, Loss], Any]


class Subject(Struct, frozen=True, kw_only=True):
    """A network as it would be trained: untrained, with its rows, loss and settings.

    ``classes`` is 0 for regression (on a scaled target). ``step`` does one step of training, ``optimizer`` makes what
    it steps with from the network and the learning rate.
    """

    module: nn.Module
    rows: Rows
    loss: Loss
    classes: int
    learning_rate: float
    step: Step = stepping.step
    optimizer: Callable[[nn.Module, float], torch.optim.Optimizer] = lambda module, rate: torch.optim.AdamW(
        [parameter for parameter in module.parameters() if parameter.requires_grad], lr=rate
    )


def examine(subject: Subject, seed: int) -> list[Check]:
    """All checks, the most basic first: the first failure is probably the cause of later ones."""
    found = [_finite(subject)]
    if found[0].fails:
        return found
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        found += [_rows(subject), _repeatable(subject)]
        found += [_units(subject), _gradients(subject), _start(subject)]
        found += _one_step(subject, seed)
        found += _one_batch(subject, seed)
    return found


def _first(rows: Rows, count: int) -> tuple[list[Tensor], Tensor]:
    return [tensor[:count] for tensor in rows.inputs], rows.target[:count]


def _finite(subject: Subject) -> Check:
    inputs, target = _first(subject.rows, ROWS)
    module = copy.deepcopy(subject.module).eval()
    name, expected = "finite", "numbers, neither missing nor infinite"

    def bad(what: str, advice: str) -> Check:
        return Check(check=name, measured=f"{what} are not finite", expected=expected, fails=True, advice=advice)

    if not all(tensor.isfinite().all() for tensor in (*inputs, target)):
        return bad("inputs or targets", "impute missing values, and look for infinite values in the data")
    output = module(*inputs)
    if not output.isfinite().all():
        return bad("outputs", "look for divisions, logarithms and roots in the network's forward")
    value = subject.loss(output, target)
    if not value.isfinite():
        return bad("losses", "look for logarithms in the loss, and for outputs out of its range")
    value.backward()  # type: ignore[no-untyped-call]
    gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    if not all(gradient.isfinite().all() for gradient in gradients):
        return bad("gradients", "look for roots and norms of zero in the network's forward")
    return Check(check=name, measured="inputs, outputs, loss and gradients are finite", expected=expected)


def _rows(subject: Subject) -> Check:
    """In use a row is answered alone: its answer must not hang on the rows beside it."""
    module = copy.deepcopy(subject.module).eval()
    inputs, _ = _first(subject.rows, ROWS)
    with torch.inference_mode():
        together = _in_fixed_noise(module, inputs)
        moves = [
            float((together[:few] - _in_fixed_noise(module, [x[:few] for x in inputs])).abs().max())
            for few in (FEW, FEW // 8)
        ]
    apart = max(moves) / (1e-6 + float(together.abs().max()))
    noisy = not _same_twice(module, inputs)
    return Check(
        check="rows apart",
        measured=f"predictions change by {apart:.1%} with the other rows of the batch",
        expected="0%",
        fails=apart > 1e-3 and not noisy,
        advice="forward mixes rows: look for means, sorts and reshapes over the first dimension",
    )


def _in_fixed_noise(module: nn.Module, inputs: Sequence[Tensor]) -> Tensor:
    torch.manual_seed(0)
    output: Tensor = module(*inputs)
    return output


def _same_twice(module: nn.Module, inputs: Sequence[Tensor]) -> bool:
    return bool(torch.equal(module(*inputs), module(*inputs)))


def _repeatable(subject: Subject) -> Check:
    module = copy.deepcopy(subject.module).eval()
    inputs, _ = _first(subject.rows, FEW)
    with torch.inference_mode():
        same = _same_twice(module, inputs)
    return Check(
        check="repeatable",
        measured="the same output twice" if same else "two different outputs for the same input",
        expected="in eval mode, the same output twice",
        fails=not same,
        advice="forward draws random numbers in eval mode: pass self.training to functional.dropout",
    )


def _units(subject: Subject) -> Check:
    """Units of an activation that answer every row alike: dead below zero, or stuck at an end."""
    module = copy.deepcopy(subject.module).eval()
    stuck: list[tuple[float, str]] = []

    def watch(name: str, kind: type[nn.Module]) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            units = output.detach().flatten(0, -2)
            end = SQUASHED.get(kind)
            lost = units.abs() > end if end is not None else units.abs() < 1e-6
            stuck.append((float((lost.double().mean(dim=0) > ALIKE).double().mean()), name))

        return hook

    kinds = (nn.ReLU, nn.GELU, nn.SiLU, nn.LeakyReLU, nn.ELU, nn.Tanh, nn.Sigmoid)
    for name, layer in module.named_modules():
        if isinstance(layer, kinds):
            layer.register_forward_hook(watch(name, type(layer)))
    inputs, _ = _first(subject.rows, ROWS)
    with torch.inference_mode():
        module(*inputs)
    share, where = max(stuck, default=(0.0, ""))
    measured = f"{share:.0%} of the units of '{where}' have the same output for all rows"
    return Check(
        check="live units",
        measured=measured if stuck else "no activations seen",
        expected="at most half",
        fails=share > 0.5,
        advice="check the initial weights and biases, and the scale of the inputs",
    )


def _gradients(subject: Subject) -> Check:
    module = copy.deepcopy(subject.module).train()
    inputs, target = _first(subject.rows, ROWS)
    try:
        subject.loss(module(*inputs), target).backward()  # type: ignore[no-untyped-call]
    except RuntimeError:  # nothing asks for a gradient
        pass
    without = [
        name for name, parameter in module.named_parameters() if parameter.grad is None or not parameter.grad.any()
    ]
    count = sum(1 for _ in module.parameters())
    names = ", ".join(f"'{name}'" for name in without[:3]) + (" and others" if len(without) > 3 else "")
    return Check(
        check="gradients",
        measured=f"{len(without)} of {count} parameters get no gradient" + (f": {names}" if without else ""),
        expected="every parameter gets a gradient",
        fails=bool(without),
        advice="look for detach, no_grad, requires_grad=False, and for layers that forward does not use",
    )


def _start(subject: Subject) -> Check:
    module = copy.deepcopy(subject.module).eval()
    inputs, target = _first(subject.rows, ROWS)
    with torch.inference_mode():
        value = float(subject.loss(module(*inputs), target))
    plain = target if target.dim() == 1 else target[:, 0]
    chance = math.log(max(subject.classes, 2)) if subject.classes else float(plain.double().square().mean())
    advice = "check the scale of the inputs, the initial weights, and the loss"
    if value < 0:
        advice = "a negative loss is not a valid loss: check its sign"
    return Check(
        check="loss at start",
        measured=f"{value:.3g}",
        expected=f"about {chance:.3g}, the loss of an uninformed prediction",
        fails=not 0.4 * chance <= value <= 2.5 * chance + 1e-9,
        advice=advice,
    )


def _one_step(subject: Subject, seed: int) -> Iterator[Check]:
    """What a step hands its optimizer, against the gradient of the loss; and what the optimizer then moves."""
    module = copy.deepcopy(subject.module)
    inputs, target = _first(subject.rows, ROWS)

    def small(output: Tensor, wanted: Tensor) -> Tensor:
        # So small that no clipping hides what adds up.
        return subject.loss(output, wanted) * 1e-4

    torch.manual_seed(seed)
    module.train()
    small(module(*inputs), target).backward()  # type: ignore[no-untyped-call]
    own = {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}
    module.zero_grad(set_to_none=True)
    handed: list[dict[str, Tensor]] = []
    optimizer = subject.optimizer(module, 0.0)
    for group in optimizer.param_groups:
        group["lr"] = 0.0

    def look(*_: Any) -> None:
        handed.append({name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None})

    optimizer.register_step_pre_hook(look)
    for _attempt in range(2):
        torch.manual_seed(seed)
        module.train()
        subject.step(module, optimizer, inputs, target, small)
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    mine = {name for name, parameter in module.named_parameters() if id(parameter) in held}
    norms = [
        math.sqrt(sum(float(grad.double().square().sum()) for name, grad in grads.items() if name in mine))
        for grads in handed
    ]
    along = sum(float((grad.double() * own[name].double()).sum()) for name, grad in handed[0].items() if name in own)
    yield Check(
        check="direction",
        measured="along the gradient" if along > 0 else "against the gradient",
        expected="the optimizer gets the gradient of the loss",
        fails=along < 0,
        advice="the sign of the loss, or of the gradient, is inverted",
    )
    growth = norms[1] / norms[0] if len(norms) > 1 and norms[0] > 0 else 1.0
    yield Check(
        check="fresh gradients",
        measured=f"the second step's gradient is {growth:.2g} times that of the first, on the same rows",
        expected="1 times",
        fails=growth > 1.5,
        advice="gradients add up over steps: call optimizer.zero_grad()",
    )
    yield _moved(subject, module, own, inputs, target)


def _moved(
    subject: Subject, module: nn.Module, own: dict[str, Tensor], inputs: Sequence[Tensor], target: Tensor
) -> Check:
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    optimizer = subject.optimizer(module, REFERENCE)
    for group in optimizer.param_groups:
        group["weight_decay"] = 0.0
    subject.step(module, optimizer, inputs, target, subject.loss)
    still = [name for name, p in module.named_parameters() if name in own and torch.equal(p, before[name])]
    return Check(
        check="moving weights",
        measured=f"{len(still)} of {len(own)} parameters with a gradient do not change"
        + (f": '{still[0]}'" if still else ""),
        expected="a step changes all of them",
        fails=bool(still),
        advice="give the optimizer all parameters",
    )


def _one_batch(subject: Subject, seed: int) -> list[Check]:
    """Any network that learns at all can memorise a few rows."""
    inputs, target = _distinct(subject.rows)
    start, end, wild = _fitted(subject, inputs, target, subject.learning_rate, seed)
    rate, fits = subject.learning_rate, end < 0.5 * start and not wild
    text = f"{start:.3g} {'falls' if end < start else 'rises'} to {end:.3g}{', with jumps' if wild else ''}"
    as_stated = Check(
        check="learning rate",
        measured=f"{text} in {STEPS} steps at {rate:g}",
        expected="the loss of one batch falls to less than half",
    )
    one = Check(check="one batch", measured=text, expected="a few rows can be memorised")
    if fits:
        return [as_stated, one]
    reference, best, _ = _fitted(subject, inputs, target, REFERENCE, seed)
    if best < 0.5 * reference:
        slow = rate < REFERENCE
        # Falling slowly is no fault: there are more steps to come than are tried here.
        fails = end > 0.9 * start if slow else True
        advice = f"{'raise' if slow else 'lower'} the learning rate: at {REFERENCE:g} the loss falls to {best:.3g}"
        return [_failing(as_stated, advice) if fails else as_stated, one]
    advice = "it memorises nothing at any learning rate: check the last layer, the loss and the targets"
    return [as_stated, _failing(one, advice)]


def _failing(check: Check, advice: str) -> Check:
    return Check(check=check.check, measured=check.measured, expected=check.expected, fails=True, advice=advice)


def _distinct(rows: Rows) -> tuple[list[Tensor], Tensor]:
    """Few rows, no two of them alike."""
    inputs, target = _first(rows, ROWS)
    flat = torch.cat([tensor.flatten(1).double() for tensor in inputs], dim=1)
    seen: dict[tuple[float, ...], int] = {}
    for index, row in enumerate(flat.tolist()):
        seen.setdefault(tuple(row), index)
    chosen = torch.tensor(list(seen.values())[:BATCH], device=target.device)
    return [tensor[chosen] for tensor in inputs], target[chosen]


def _fitted(
    subject: Subject, inputs: Sequence[Tensor], target: Tensor, rate: float, seed: int
) -> tuple[float, float, bool]:
    """The loss of one batch before and after the steps, dropout off; infinity where it is not finite any more. And
    whether it was much greater on the way."""
    module = copy.deepcopy(subject.module).eval()
    optimizer = subject.optimizer(module, rate)
    torch.manual_seed(seed)

    def value() -> float:
        with torch.inference_mode():
            found = float(subject.loss(module.eval()(*inputs), target))
        return found if math.isfinite(found) else math.inf

    start = worst = value()
    for count in range(STEPS):
        subject.step(module, optimizer, inputs, target, subject.loss)
        if count % 5 == 4:
            now = value()
            worst = max(worst, now)
            if count % 25 == 24 and now < 0.2 * start:
                break
    return start, value(), worst > WILD * abs(start)
