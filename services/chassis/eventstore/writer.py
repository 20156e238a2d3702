"""The one writer of a process: commands in, groups committed, answers out.

Clients wait for a disk's flush, not for each other: while one group commits, the next gathers.
"""

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import psycopg
import structlog
from eventsourcing.persistence import (
    IntegrityError,
    InterfaceError,
    OperationalError,
)

from services.chassis.eventstore.application import LogApplication
from services.chassis.eventstore.errors import (
    CommandInFlightError,
    LogUnavailableError,
    WriterOverloadedError,
)
from services.chassis.eventstore.group import Cache, CommitGroup, IndexWriter, Request
from services.chassis.eventstore.mapper import EventMapper
from services.chassis.eventstore.unit import Answer, Command

MAX_WAITING_COMMANDS: Final = 1_024
MAX_GROUP_COMMANDS: Final = 128
MAX_ATTEMPTS: Final = 3

log = structlog.get_logger()

_Waiting = tuple[Request, asyncio.Future[Answer]]


class Writer:
    """Runs commands one after the other, many to a transaction, in a thread of its own.

    `index` writes, in the same transaction, the rows that follow from the events.
    """

    def __init__(self, application: LogApplication, *, index: IndexWriter) -> None:
        assert isinstance(application.mapper, EventMapper)
        # The library closes an application's connections when nobody holds it any more.
        self._application = application
        self._recorder = application.recorder
        self._mapper: EventMapper = application.mapper
        self._index = index
        self._cache = Cache()
        self._waiting: queue.Queue[_Waiting | None] = queue.Queue(MAX_WAITING_COMMANDS)
        self._in_flight: set[tuple[str, str]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._work, name="log-writer", daemon=True)

    def start(self) -> None:
        """Begin to take commands; call from the event loop that will submit them."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """Finish what waits, then end the thread. Submit nothing after this."""
        await asyncio.to_thread(self._waiting.put, None)
        await asyncio.to_thread(self._thread.join)

    async def submit(self, command: Command) -> Answer:
        """Have a command decided and committed; its answer, new or (`replayed`) the first one.

        Raises what `decide` raised, IdempotencyKeyReusedError, CommandInFlightError,
        WriterOverloadedError and LogUnavailableError.
        """
        assert self._loop is not None, "start() comes first"
        request = Request(command)
        if request.identity in self._in_flight:
            raise CommandInFlightError
        future: asyncio.Future[Answer] = self._loop.create_future()
        try:
            self._waiting.put_nowait((request, future))
        except queue.Full:
            raise WriterOverloadedError from None
        # The command goes on when its caller goes away, so the key stays taken until it is done.
        self._in_flight.add(request.identity)
        return await future

    def _work(self) -> None:
        stopping = False
        while not stopping:
            group: list[_Waiting] = []
            item = self._waiting.get()
            while item is not None:
                group.append(item)
                if len(group) == MAX_GROUP_COMMANDS:
                    break
                try:
                    item = self._waiting.get_nowait()
                except queue.Empty:
                    break
            stopping = item is None
            self._commit([request for request, _ in group])
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._resolve, group)

    def _resolve(self, group: Sequence[_Waiting]) -> None:
        for request, future in group:
            self._in_flight.discard(request.identity)
            if future.cancelled():
                continue
            if request.answer is not None:
                future.set_result(request.answer)
            else:
                future.set_exception(request.error or LogUnavailableError())

    def _commit(self, requests: Sequence[Request]) -> None:
        """Commit a group; when one command breaks the transaction, each goes on its own."""
        try:
            self._attempt(requests)
        except Exception as error:
            if len(requests) == 1:
                log.exception("command_failed", command_id=str(requests[0].command_id))
                requests[0].error = error
                return
            for request in requests:
                if request.answer is None:
                    self._commit([request])

    def _attempt(self, requests: Sequence[Request]) -> None:
        """Try a group until it is committed, or the database has failed too often.

        A connection lost around COMMIT leaves open whether it happened. The next attempt finds
        the answers kept in that transaction, so that no command takes effect twice.
        """
        for attempt in range(1, MAX_ATTEMPTS + 1):
            for request in requests:
                request.error = None
            try:
                group = self._transact(requests)
            except (OperationalError, InterfaceError, IntegrityError) as error:
                log.warning("group_failed", attempt=attempt, error=str(error))
                self._cache.forget()
                last = attempt == MAX_ATTEMPTS
                if last and isinstance(error, IntegrityError) and len(requests) > 1:
                    raise  # one command's row breaks a constraint; the others are not to blame
            else:
                group.keep()
                return
        for request in requests:
            if request.answer is None:
                request.error = LogUnavailableError()

    def _transact(self, requests: Sequence[Request]) -> CommitGroup:
        try:
            with self._recorder.appending() as append:
                group = CommitGroup(append, self._mapper, self._cache, self._index)
                group.run(requests)
        except psycopg.OperationalError as error:
            raise OperationalError(str(error)) from error
        return group


@asynccontextmanager
async def writing(application: LogApplication, *, index: IndexWriter) -> AsyncIterator[Writer]:
    """A writer that takes commands while the block runs, and finishes them before it ends."""
    writer = Writer(application, index=index)
    writer.start()
    try:
        yield writer
    finally:
        await writer.stop()
        application.close()
