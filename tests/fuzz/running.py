"""Coverage-guided fuzzing with atheris, which is not among the tools of development: ``pip install atheris``.

The corpus begins with the cases of the tests and lives in ``.cache/fuzz/NAME``; it is kept small by merging it anew at
each start. What fails is left in ``.cache/fuzz/NAME-failures`` and belongs into the register of cases.
"""

import hashlib
import logging
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]  # a tool of its own

CACHE = Path(__file__).parents[2] / ".cache" / "fuzz"
LARGEST_INPUT = 128 * 1024
# No input may take longer, in seconds of the processor, or more memory, in MiB.
SLOWEST = 10
# The fuzzer's own clock is the wall's, which also runs while the machine does something else: only for endless loops.
STUCK = 1200
MOST_MEMORY = 512


def instrumented() -> AbstractContextManager[Any]:
    """Imports within are watched."""
    manager: AbstractContextManager[Any] = atheris.instrument_imports(enable_loader_override=False)
    return manager


def fuzz(
    name: str,
    one: Callable[[bytes], None],
    seeds: Iterable[bytes],
    *,
    mend: Callable[[bytes], bytes] = lambda data: data,
    tokens: Iterable[bytes] = (),
) -> None:
    """Run for as many seconds as the first argument says; ends the process, with 0 when nothing was found."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    corpus = CACHE / name
    corpus.mkdir(parents=True, exist_ok=True)
    failures = CACHE / f"{name}-failures"
    failures.mkdir(exist_ok=True)
    start = CACHE / f"{name}-seeds"
    shutil.rmtree(start, ignore_errors=True)
    start.mkdir()
    for seed in seeds:
        (start / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    atheris.Setup(
        [
            sys.argv[0],
            str(corpus),
            str(start),
            f"-max_total_time={seconds}",
            f"-max_len={LARGEST_INPUT}",
            f"-timeout={STUCK}",
            f"-rss_limit_mb={MOST_MEMORY}",
            f"-artifact_prefix={failures}/",
            *_dictionary(CACHE / f"{name}.dict", tokens),
            "-print_final_stats=1",
        ],
        partial(timed, one),
        custom_mutator=lambda data, size, seed: mend(atheris.Mutate(data, size))[:size],
    )
    logging.disable()
    atheris.Fuzz()


def timed(one: Callable[[bytes], None], data: bytes) -> None:
    """Judge one input, and how long that took."""
    began = time.process_time()
    one(data)
    if time.process_time() - began > SLOWEST:
        raise AssertionError(f"more than {SLOWEST} seconds")


def _dictionary(path: Path, tokens: Iterable[bytes]) -> list[str]:
    lines = ["".join(f"\\x{byte:02x}" for byte in token) for token in tokens]
    path.write_text("".join(f'"{line}"\n' for line in lines))
    return [f"-dict={path}"] if lines else []
