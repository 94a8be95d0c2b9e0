"""Random harm: processes killed and frozen, the database and the broker taken away, messages lost."""

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable

from tests.faults.service import Service


class Nemesis:
    """Harms the service at random instants, so many times. The seed makes a run repeatable in what it tries."""

    def __init__(self, service: Service, *, seed: int, pause: float, database: bool = True) -> None:
        self.service, self.pause = service, pause
        self.chance = random.Random(seed)
        self.done: Counter[str] = Counter()
        self._frozen: list[threading.Thread] = []
        roles = ["web", "checker", "loader", "dispatcher"]
        self._harms: list[tuple[int, str, Callable[[], None]]] = [
            *((4, f"kill {role}", lambda role=role: self._kill(role)) for role in roles),
            *((2, f"freeze {role}", lambda role=role: self._freeze(role)) for role in roles),
            (2, "lose messages", lambda: self.service.broker.lose_messages()),
            (1, "freeze broker", lambda: self.service.broker.freeze(self.chance.uniform(0.2, 3))),
            (1, "kill broker", lambda: self.service.broker.kill(self.chance.uniform(0, 2))),
            (2, "cut connections", self._cut),
        ]
        if database:
            self._harms.append(
                (1, "kill database", lambda: self.service.kill_postgres(self.chance.uniform(0, 2)))
            )

    def harm(self) -> None:
        """Do one harm and wait a little."""
        weights = [weight for weight, _, _ in self._harms]
        ((_, name, act),) = self.chance.choices(self._harms, weights)
        act()
        self.done[name] += 1
        time.sleep(self.chance.uniform(0, 2 * self.pause))

    def rest(self) -> None:
        """Wait until everything that was frozen is thawed."""
        for thread in self._frozen:
            thread.join()

    def _members(self, role: str) -> list[str]:
        return [key for key in self.service.members if key.startswith(role)]

    def _kill(self, role: str) -> None:
        self.service.members[self.chance.choice(self._members(role))].kill_one(self.chance)

    def _freeze(self, role: str) -> None:
        member = self.service.members[self.chance.choice(self._members(role))]
        seconds = self.chance.choice([0.5, 1, 5])

        def run() -> None:
            with member.frozen():
                time.sleep(seconds)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self._frozen.append(thread)

    def _cut(self) -> None:
        """Cut some of the service's database connections in the middle of whatever they do."""
        # The database may be away at this moment.
        with contextlib.suppress(Exception):
            self.service.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.5"
            )
