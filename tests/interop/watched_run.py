"""A run of a command, how long it takes, how much memory, and whether the service answers meanwhile."""

import logging
import re
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median


@dataclass(kw_only=True)
class Watched:
    """``seconds`` that it took, its largest ``memory`` in KiB, and how long each answer of the service took."""

    seconds: float = 0
    memory: int = 0
    out: str = ""
    answers: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        answers = sorted(self.answers)
        return (
            f"{self.seconds:.1f} s, {self.memory / 1024:.0f} MiB; meanwhile {len(answers)} answers, the median after "
            f"{median(answers) * 1000:.0f} ms, 99 of 100 within {answers[int(len(answers) * 0.99)] * 1000:.0f} ms, "
            f"the last after {answers[-1] * 1000:.0f} ms"
        )


def watched(name: str, begin: "Callable[[], subprocess.Popen[str]]", ask: Callable[[], object]) -> Watched:
    """Run it to its end, and ask the service all the while; an answer that is an error is raised."""
    found, over, errors = Watched(), threading.Event(), list[BaseException]()

    def asking() -> None:
        try:
            while not over.is_set():
                began = time.monotonic()
                ask()
                found.answers.append(time.monotonic() - began)
                over.wait(0.1)
        except BaseException as error:  # noqa: BLE001  raised below, in the test's own thread
            errors.append(error)

    thread = threading.Thread(target=asking)
    thread.start()
    began = time.monotonic()
    process = begin()
    err: str | None = None
    while err is None:
        with suppress(OSError):
            told = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
            found.memory = max(found.memory, int(told[1]) if told else 0)
        with suppress(subprocess.TimeoutExpired):
            found.out, err = process.communicate(timeout=0.1)
    found.seconds = time.monotonic() - began
    over.set()
    thread.join()
    assert process.returncode in (0, 1), err
    if errors:
        raise errors[0]
    logging.getLogger(__name__).warning("%s: %s", name, found)
    return found
