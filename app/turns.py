"""The turns of commands that wait: one of each tenant after the other."""

from collections import Counter, OrderedDict, deque
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from math import inf
from time import monotonic
from typing import Final, TypeAlias

from app.callers import Waiting

Queue: TypeAlias = deque[Waiting]

# A batch is shared while commands of several tenants came within this time.
SHARED_SECONDS: Final = 10.0
HARD_LIMIT: Final = 2  # times the limit, for tenants that hold less than their part of it


class Turns:
    """Commands that wait to be decided, of which each batch takes one of every tenant in turn.

    Those of one tenant keep their order. While commands of several tenants come, a batch takes
    no more than `share` of each: what else a tenant has rests until the next batch begins,
    however much room is left, as whoever comes next waits for all that is in the batch. A
    tenant that is alone may fill it.
    """

    def __init__(self, *, limit: int, share: int) -> None:
        self._limit = limit
        self._share = share
        self._queues: OrderedDict[int, Queue] = OrderedDict()
        self._resting: dict[int, Queue] = {}
        self._taken: dict[int, int] = {}
        self._length = 0
        self._ready = 0
        self._latest: int | None = None
        self._latest_since = self._shared_until = -inf

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Waiting]:
        return chain(*self._queues.values(), *self._resting.values())

    @property
    def ready(self) -> int:
        """How many commands wait whose tenants are not known to rest."""
        return self._ready

    @property
    def crowded(self) -> bool:
        """Whether a tenant rests, as it has had its share of this batch."""
        return bool(self._resting)

    def admits(self, tenant_id: int, backlog: int) -> bool:
        """Whether one more command of the tenant may wait when `backlog` do, here or decided.

        Beyond the limit a tenant that holds less than its part of it is let in beside others,
        so that nobody is turned away for somebody else's flood.
        """
        if backlog < self._limit:
            return True
        own = self._queues.get(tenant_id) or self._resting.get(tenant_id) or ()
        tenants = len(self._queues) + len(self._resting) + (not own)
        few = tenants > 1 and len(own) < self._limit // tenants
        return few and backlog < HARD_LIMIT * self._limit

    def put(self, waiting: Waiting) -> None:
        """Let a command wait behind those of its tenant."""
        tenant_id = waiting.submission.tenant_id
        if tenant_id != self._latest:
            self._shared_until = self._latest_since + SHARED_SECONDS
            self._latest = tenant_id
        self._latest_since = waiting.since
        self._length += 1
        if queue := self._resting.get(tenant_id):
            queue.append(waiting)
            return
        self._ready += 1
        if queue := self._queues.get(tenant_id):
            queue.append(waiting)
        else:
            self._queues[tenant_id] = deque((waiting,))

    def take(self, room: int, among: Collection[int] | None = None) -> list[Waiting]:
        """Take up to `room` commands for the batch, of all tenants or of those `among` them."""
        shared = monotonic() < self._shared_until
        plenty = self._ready <= room  # so that nobody has to wait for somebody else
        taken: list[Waiting] = []
        passed: list[tuple[int, Queue]] = []
        while self._queues and len(taken) < room:
            tenant_id, queue = self._queues.popitem(last=False)
            if among is not None and tenant_id not in among:
                passed.append((tenant_id, queue))
                continue
            had = self._taken.get(tenant_id, 0)
            left = self._share - had if shared else room
            if left <= 0:
                self._resting[tenant_id] = queue
                self._ready -= len(queue)
                continue
            alone = plenty or not self._queues
            number = min(len(queue), left, room - len(taken)) if alone else 1
            taken += [queue.popleft() for _ in range(number)]
            self._taken[tenant_id] = had + number
            self._ready -= number
            if queue:
                self._queues[tenant_id] = queue
        for tenant_id, queue in reversed(passed):
            self._have_turn(tenant_id, queue, last=False)
        self._length -= len(taken)
        return taken

    def put_back(self, batch: Sequence[Waiting], *, last: bool = False) -> None:
        """Let commands that were taken wait again, before all others of their tenants.

        Their tenants have the next turns, or the `last` ones.
        """
        self.give_back(batch)
        for waiting in reversed(batch):
            tenant_id = waiting.submission.tenant_id
            queue = self._queues.get(tenant_id) or deque()
            queue.appendleft(waiting)
            self._have_turn(tenant_id, queue, last=last)
        self._length += len(batch)
        self._ready += len(batch)

    def give_back(self, batch: Sequence[Waiting]) -> None:
        """Let the tenants of commands that were taken in vain have these turns again."""
        for waiting in batch:
            tenant_id = waiting.submission.tenant_id
            self._taken[tenant_id] = max(0, self._taken.get(tenant_id, 0) - 1)
            if queue := self._resting.pop(tenant_id, None):
                self._ready += len(queue)
                self._queues[tenant_id] = queue

    def next_batch(self, taken: Sequence[Waiting] = ()) -> None:
        """Begin another batch, for which only these have been `taken` so far."""
        self._taken = Counter(waiting.submission.tenant_id for waiting in taken)
        self._queues.update(self._resting)
        self._resting.clear()
        self._ready = self._length

    def _have_turn(self, tenant_id: int, queue: Queue, *, last: bool) -> None:
        self._queues[tenant_id] = queue
        self._queues.move_to_end(tenant_id, last=last)
