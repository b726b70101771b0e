"""A dispatcher of one app on a real store, for as long as a block lasts."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from localdapr import rows
from localdapr.dispatcher import Dispatcher
from localdapr.store import Store
from localdapr.workflows import Workflows

Story = Callable[[Dispatcher, Workflows], Awaitable[None]]


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[Dispatcher, Workflows]]:
    """Both are usable inside; the folder may be opened again afterwards."""
    store = Store(folder, [rows.SCHEMA])
    dispatcher = Dispatcher(store)
    await dispatcher.add("shop")
    try:
        yield dispatcher, Workflows("shop", dispatcher)
    finally:
        await dispatcher.close()
        store.close()
