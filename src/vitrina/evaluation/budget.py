"""What a shop's server has for one model, as its owner writes it: ram=300MB,latency=30ms."""

from __future__ import annotations

import difflib
import math
import re
from typing import get_args

from vitrina.errors import SettingError
from vitrina.evaluation.candidate import Candidate
from vitrina.evaluation.comparison import Budget, Excess, Limit

_MEGABYTES = {"kB": 1e-3, "MB": 1.0, "GB": 1e3, "MiB": 1.048576, "GiB": 1073.741824}
_MILLISECONDS = {"ms": 1.0, "s": 1e3}
_UNITS: dict[str, dict[str, float]] = {
    "ram": _MEGABYTES,
    "latency": _MILLISECONDS,
    "cold_start": _MILLISECONDS,
    "size": _MEGABYTES,
}
_EXAMPLES = {
    "ram": "ram=300MB",
    "latency": "latency=30ms",
    "cold_start": "cold_start=1s",
    "size": "size=50MB",
    "cores": "cores=2",
}
_VALUE = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\W\d_]*)")


def parse_budget(text: str) -> Budget:
    """Reads limits such as "ram=300MB, latency=30ms, cold_start=1s, size=50MB, cores=2".

    Args:
        text: Any of the limits, in any order, separated by commas; nothing is no limit. Memory
            and size in kB, MB, GB, MiB or GiB, times in ms or s, in capitals or not.

    Raises:
        SettingError: an unknown limit or unit, no unit, a value that is no positive number, or a
            limit that is given twice.
    """
    values: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise SettingError(
                f"{part!r} is no limit: a name, = and a value were expected.",
                hint=f"For example {','.join(_EXAMPLES.values())}; decimals have a point.",
            )
        name = _known(name)
        if name in values:
            raise SettingError(
                f"{name} is limited twice.", hint=f"Keep one of them, for example {part}."
            )
        values[name] = _cores(value) if name == "cores" else _amount(name, value)
    cores = values.pop("cores", None)
    return Budget(**values, cores=None if cores is None else int(cores))


def describe(budget: Budget) -> str:
    """The same budget as `parse_budget` reads it; "" where there is no limit."""
    parts = [
        f"{name}={_spelled(allowed, units)}"
        for name, units in _UNITS.items()
        if (allowed := getattr(budget, name)) is not None
    ]
    if budget.cores is not None:
        parts.append(f"cores={budget.cores}")
    return ",".join(parts)


def excess(candidate: Candidate, budget: Budget) -> tuple[Excess, ...]:
    """The limits that a model is over, in the order of `Limit`.

    A figure that was not measured counts as over the limit, with NaN for `measured`: what nobody
    knows cannot be promised to fit.
    """
    over = []
    for limit in get_args(Limit):
        allowed = getattr(budget, limit)
        cost = measured_cost(candidate, limit)
        if allowed is not None and not cost <= allowed:
            over.append(Excess(limit=limit, measured=cost, allowed=allowed))
    return tuple(over)


def measured_cost(candidate: Candidate, limit: Limit) -> float:
    """What a budget's limit is held against: megabytes or milliseconds, NaN where unmeasured."""
    online = candidate.online
    if online is None:
        return math.nan
    costs: dict[Limit, float] = {
        "ram": online.ram_usage_mb.median,
        "latency": online.request_ms.median,
        "cold_start": online.cold_start_ms.median,
        "size": online.model_size_mb,
    }
    return costs[limit]


def _known(name: str) -> str:
    plain = name.lower().replace("-", "_").replace(" ", "_")
    if plain in _EXAMPLES:
        return plain
    near = difflib.get_close_matches(plain, _EXAMPLES, cutoff=0.5)
    raise SettingError(
        f"There is no limit {name!r}; there are {', '.join(_EXAMPLES)}.",
        hint=f"Did you mean {' or '.join(near)}?" if near else "",
    )


def _amount(name: str, value: str) -> float:
    """Megabytes or milliseconds."""
    units = _UNITS[name]
    expected = f"{', '.join(units)} (for example {_EXAMPLES[name]})"
    number, unit = _split(name, value)
    if not unit:
        raise SettingError(
            f"{name}={value} has no unit.", hint=f"Add one of {expected}; decimals have a point."
        )
    factor = {known.lower(): factor for known, factor in units.items()}.get(unit.lower())
    if factor is None:
        raise SettingError(
            f"{name}={value}: there is no unit {unit!r} here.", hint=f"Use one of {expected}."
        )
    amount = number * factor
    if not 0 < amount < math.inf:
        raise SettingError(
            f"{name}={value} cannot be kept: a limit must be a number above 0.",
            hint=f"For example {_EXAMPLES[name]}; leave {name} out for no limit.",
        )
    return amount


def _cores(value: str) -> int:
    number, unit = _split("cores", value)
    if unit or not 1 <= number < math.inf or not number.is_integer():
        raise SettingError(
            f"cores={value}: a whole number from 1 was expected, without a unit.",
            hint=f"For example {_EXAMPLES['cores']}.",
        )
    return int(number)


def _split(name: str, value: str) -> tuple[float, str]:
    match = _VALUE.fullmatch(value)
    if not match:
        raise SettingError(
            f"{name}={value} is not understood: a number was expected.",
            hint=f"For example {_EXAMPLES[name]}; decimals have a point.",
        )
    return float(match[1]), match[2]


def _spelled(amount: float, units: dict[str, float]) -> str:
    unit = {factor: name for name, factor in units.items()}
    if amount >= 1000 and amount % 1000 == 0:
        return f"{_digits(amount / 1000)}{unit[1e3]}"
    return f"{_digits(amount)}{unit[1.0]}"


def _digits(number: float) -> str:
    # repr gives back the very same number when it is read
    return repr(float(number)).removesuffix(".0")
