"""Sees at boot that the monitor runs, once, by today's rules; or that none runs."""

import threading
from collections.abc import Callable

import structlog

from monitor import MONITOR_ID, NEW_RULES, Watch, shop_monitor
from monitor_activities import Rules
from pizza_common.errors import NotFound, Unavailable
from saga import dumped
from workflow_client import Instance, WorkflowClient
from workflow_settings import WorkflowSettings

log = structlog.get_logger()

_TRY_SECONDS = 0.5


class MonitorKeeper:
    """Starts or ends the monitor in the background, as soon as there is a worker for it."""

    def __init__(
        self,
        workflows: WorkflowClient,
        worker_ready: Callable[[], bool],
        settings: WorkflowSettings,
    ) -> None:
        self._workflows = workflows
        self._worker_ready = worker_ready
        self._every = settings.pizza_monitor_seconds
        self._settings = settings
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="monitor-keeper", daemon=True)

    def start(self) -> None:
        """Begin to see to it; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Leave it as it is; returns at once."""
        self._stopping.set()

    def wait(self, seconds: float) -> bool:
        """Whether it has seen to it, or was stopped, within that time."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def see_to_it(self) -> None:
        """Start the monitor, or hand new rules to one that runs. Raises Unavailable, NotFound.

        Without a time between two rounds, end the one that an earlier start left running. Of
        several replicas at once one starts it: its id is fixed.
        """
        found = self._workflows.find_any(MONITOR_ID)
        runs = found is not None and not found.is_final
        if self._every > 0:
            self._have_it_run(found if runs else None)
        elif runs:
            self._workflows.terminate_any(MONITOR_ID)

    def _have_it_run(self, found: Instance | None) -> None:
        rules = self._rules()
        if found is None:
            self._workflows.start_any(shop_monitor.__name__, MONITOR_ID, dumped(Watch(rules=rules)))
        elif (found.input or {}).get("rules") != dumped(rules):
            self._workflows.tell_any(MONITOR_ID, NEW_RULES, dumped(rules))

    def _rules(self) -> Rules:
        settings = self._settings
        return Rules(
            every_seconds=self._every,
            below=settings.pizza_restock_below,
            units=settings.pizza_restock_units,
        )

    def _run(self) -> None:
        while not self._stopping.wait(_TRY_SECONDS):
            if not self._worker_ready():  # the engine would keep the request waiting
                continue
            try:
                self.see_to_it()
            except (Unavailable, NotFound) as error:
                log.warning("monitor not seen to yet", error=error.detail)
            else:
                return
