"""Loads a server moderately for a long time and looks whether it grows or keeps anything.

    python benchmarks/soak.py [SHOP] [--minutes 30] [--rate 12] [--mix all] [--out soak.json]

Serves a copy of SHOP, whose bundle must be published, and sends it photos of every kind, bad ones
among them, at a fixed mean rate. Every five seconds memory, open files and threads of the server
and its children are noted. Afterwards:

- **growth**: a line through the memory after the warm-up (a fifth of the time, ten minutes at
  most), by least squares over the medians of blocks. "grows" where the whole 95 % interval of its
  slope is above 1 MB an hour; "cannot be told" where the interval does not shut out 20 MB an hour
  either; else "does not grow". Files and threads: the most of the last tenth against the first
  tenth after the warm-up.
- **traces**: everything that the server wrote, its log, its temporary and home folder and the
  shop's, is searched for bytes of the photos, for texts and a place from their EXIF, and for
  comments, also as hexadecimal and escaped.

Ends with status 1 where it grows, keeps a trace, or answers what it should not. Needs the train
extra.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from vitrina.bench.load_figures import RoundFigures, round_figures
from vitrina.bench.load_process import LoadGenerator
from vitrina.bench.open_loop import Order, plan
from vitrina.bench.photo_mix import make_mix, read_mix
from vitrina.bench.resources import Held, ResourceWatch
from vitrina.bench.serve import UNLIMITED, shop_pictures
from vitrina.bench.server_load import DEADLINE
from vitrina.bench.traces import TraceFinder
from vitrina.bundle import active_bundle
from vitrina.evaluation.online import serve_command
from vitrina.evaluation.server_process import ServerProcess
from vitrina.folder import ShopFolder
from vitrina.machine import this_machine

ALLOWED_MB_PER_HOUR = 1.0
TOO_WIDE_MB_PER_HOUR = 20.0
WARM_UP_SHARE, WARM_UP_SECONDS = 0.2, 600.0
ROUND_SECONDS, LOOK_SECONDS, BLOCKS = 30.0, 5.0, 20


@dataclass(frozen=True)
class Growth:
    """The line through the memory of a server.

    Attributes:
        mb_per_hour: Its slope.
        low: Lower end of the slope's 95 % interval.
        high: Upper end.
        verdict: "grows", "does not grow", or "cannot be told".
    """

    mb_per_hour: float
    low: float
    high: float
    verdict: str


def growth(looks: Sequence[Held]) -> Growth:
    """Fits the line.

    Neighbouring looks are alike, which would make the interval far too narrow: medians of blocks
    are used instead.

    Args:
        looks: After the warm-up, in the order of time.
    """
    blocks = [block for block in np.array_split(np.arange(len(looks)), BLOCKS) if len(block)]
    if len(blocks) < 5:
        return Growth(0.0, -np.inf, np.inf, "cannot be told")
    hours = [float(np.mean([looks[i].at for i in block])) / 3600 for block in blocks]
    memory = [float(np.median([looks[i].resident_mb for i in block])) for block in blocks]
    line = stats.linregress(hours, memory)
    half = float(stats.t.ppf(0.975, len(blocks) - 2)) * float(line.stderr)
    low, high = float(line.slope) - half, float(line.slope) + half
    if low > ALLOWED_MB_PER_HOUR:
        verdict = "grows"
    else:
        verdict = "does not grow" if high < TOO_WIDE_MB_PER_HOUR else "cannot be told"
    return Growth(round(float(line.slope), 2), round(low, 2), round(high, 2), verdict)


def main() -> None:
    """Runs, prints, and ends with the verdict."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("shop", type=Path, nargs="?", default=Path("build/demo-shop"))
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=12, help="photos a second")
    parser.add_argument("--mix", default="all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="JSON with every look")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vitrina-soak-") as place:
        record = soak(asked, Path(place))
    if asked.out:
        asked.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    sys.exit(1 if record["faults"] else 0)


def soak(asked: argparse.Namespace, place: Path) -> dict[str, Any]:
    """Serves a copy of the shop and loads it."""
    shop = copied(ShopFolder.find(asked.shop), place / "shop")
    mix = make_mix(read_mix(asked.mix), shop_pictures(shop), seed=asked.seed)
    own = {name: str(place / name) for name in ("tmp", "home")}
    for folder in own.values():
        Path(folder).mkdir()
    environment = UNLIMITED | {"TMPDIR": own["tmp"], "HOME": own["home"]}
    command = serve_command(shop.root, active_bundle(shop.bundles).info.version)
    rounds: list[RoundFigures] = []
    seconds = asked.minutes * 60
    with (
        LoadGenerator(mix.photos) as generator,
        ServerProcess(command, environment=environment) as server,
    ):
        with ResourceWatch(server.pid, every=LOOK_SECONDS) as watch:
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 1:
                length = min(ROUND_SECONDS, left)
                schedule = plan(asked.rate, length, mix.shares, seed=asked.seed + len(rounds))
                offered = generator.offer(
                    Order(host="127.0.0.1", port=server.port, schedule=schedule)
                )
                rounds.append(
                    round_figures(
                        offered, mix.kinds, rate=asked.rate, seconds=length, deadline=DEADLINE
                    )
                )
                say_round(rounds, watch.looks[-1], end)
        traces = TraceFinder(mix.photos).in_files([place, server.output])
        said = server.output.stat().st_size
    warm = min(WARM_UP_SHARE * seconds, WARM_UP_SECONDS)
    looks = [look for look in watch.looks if look.at >= warm]
    record = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "minutes": asked.minutes,
        "rate": asked.rate,
        "mix": {name: round(share, 3) for name, share in mix.weights.items()},
        "seed": asked.seed,
        "machine": asdict(this_machine()),
        "requests": sum(each.requests for each in rounds),
        "answered": sum(each.answered for each in rounds),
        "refused": sum(each.refused_429 + each.refused_503 for each in rounds),
        "wrong": dict(sum((Counter(each.wrong_answers) for each in rounds), Counter())),
        "no_answer": sum(each.timed_out + each.broken for each in rounds),
        "accepted_ms_p50": float(np.median([each.accepted.p50 for each in rounds])),
        "accepted_ms_worst_p99": max(each.accepted.p99 for each in rounds),
        "growth": asdict(growth(looks)),
        "memory_mb": [looks[0].resident_mb, max(each.resident_mb for each in looks),
                      looks[-1].resident_mb],
        "files": first_and_last([look.files for look in looks]),
        "threads": first_and_last([look.threads for look in looks]),
        "log_mb": round(said / 1e6, 2),
        "traces": [f"{trace.what} in {trace.file.name}" for trace in traces],
        "looks": [asdict(look) for look in watch.looks],
    }  # fmt: skip
    record["faults"] = faults(record)
    for name, value in record.items():
        if name != "looks":
            print(f"{name}: {value}")
    return record


def faults(record: dict[str, Any]) -> list[str]:
    """What must not be, in words."""
    found = []
    if record["growth"]["verdict"] == "grows":
        found.append(f"memory grows by {record['growth']['mb_per_hour']} MB an hour")
    for what in ("files", "threads"):
        first, last = record[what]
        if last > 1.2 * first + 5:
            found.append(f"{what} rose from {first} to {last}")
    found += [f"kept: {trace}" for trace in record["traces"]]
    found += [f"answered {count} x {what}" for what, count in record["wrong"].items()]
    if record["no_answer"]:
        found.append(f"{record['no_answer']} requests got no answer")
    return found


def first_and_last(counts: Sequence[int]) -> tuple[int, int]:
    """The most in the first and in the last tenth."""
    tenth = max(1, len(counts) // 10)
    return max(counts[:tenth]), max(counts[-tenth:])


def copied(shop: ShopFolder, place: Path) -> ShopFolder:
    """A shop with what serving needs, so that nobody else writes there."""
    ignored = shutil.ignore_patterns("runs", "cache", "report", "check", "imports", "bench")
    shutil.copytree(shop.root, place, ignore=ignored)
    for name in ("runs", "cache", "imports"):
        (place / name).mkdir()
    return ShopFolder.find(place)


def say_round(rounds: Sequence[RoundFigures], look: Held, end: float) -> None:
    """One line a round, on stderr."""
    last = rounds[-1]
    sys.stderr.write(
        f"{(end - time.monotonic()) / 60:5.1f} min left  {look.resident_mb:6.1f} MB  "
        f"{look.files} files  {look.threads} threads  p50 {last.accepted.p50:.0f} ms  "
        f"p99 {last.accepted.p99:.0f} ms  refused {last.refused_429 + last.refused_503}\n"
    )
    sys.stderr.flush()


if __name__ == "__main__":
    main()
