"""`localdapr workflow`: look at an app's workflow instances and steer them.

It asks the task hub of the app's sidecar, with the calls of the SDK's own client.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from localdapr.commands.asking import data_dir_option, json_text, not_empty
from localdapr.commands.moments import age, ago, from_now, shown_span
from localdapr.commands.tables import output_option, show
from localdapr.commands.task_hub_client import TaskHubClient
from localdapr.errors import RefusedError

PREFIX = "ORCHESTRATION_STATUS_"
ENDED = ["COMPLETED", "FAILED", "CANCELED", "TERMINATED"]
STATUSES = click.Choice(
    ["RUNNING", *ENDED, "PENDING", "SUSPENDED", "STALLED"], case_sensitive=False
)
EVENT_STATUSES = {
    "taskFailed": "FAILED",
    "childWorkflowInstanceFailed": "FAILED",
    "executionTerminated": "TERMINATED",
    "executionSuspended": "SUSPENDED",
    "executionResumed": "RESUMED",
}
LIST = ("name", "instanceID", "runtimeStatus", "customStatus", "age")
EVENT_FIELDS = {"eventId", "timestamp", "router"}  # that are not the event itself
HISTORY = ("type", "name", "eventId", "elapsed", "status")

instance_argument = click.argument("instance_id", metavar="INSTANCE-ID")
input_option = click.option("-x", "--input", "data", type=json_text, help="Its input, as JSON.")
reason_option = click.option("-r", "--reason", help="Why; it is kept in the history.")


@click.group("workflow")
def workflow() -> None:
    """Start, look at and steer the workflows of an app that runs."""


def command(name: str) -> Callable[[Callable[..., None]], click.Command]:
    """A command of the group; it is given the app's task hub, and the options of its own."""

    def register(function: Callable[..., None]) -> click.Command:
        @functools.wraps(function)
        def run(folder: Path, app_id: str | None, **options: Any) -> None:
            function(TaskHubClient(folder, app_id), **options)

        help_text = "The app; may be left out where one alone runs."
        with_app = click.option("-a", "--app-id", metavar="ID", help=help_text)(run)
        return workflow.command(name)(data_dir_option(with_app))

    return register


@command("run")
@click.argument("name", type=not_empty, metavar="NAME")
@click.option("-i", "--instance-id", default="", help="Its id; by default a new one is made.")
@input_option
@click.option("-s", "--start-time", "at", type=from_now, help="When: like 10s or 1h, or a time.")
def run(
    hub: TaskHubClient, name: str, instance_id: str, data: str | None, at: datetime | None
) -> None:
    """Start an instance of the workflow NAME; print its id."""
    start = at and at.isoformat()
    fields = {"name": name, "instanceId": instance_id, "input": data}
    answer = hub.ask("StartInstance", **fields, scheduledStartTimestamp=start)
    click.echo(answer["instanceId"])


@command("list")
@click.option("-w", "--filter-name", "name", help="Only those of this workflow.")
@click.option("-s", "--filter-status", "status", type=STATUSES, help="Only those in this status.")
@click.option("-m", "--filter-max-age", "since", type=ago, help="Only those that began since.")
@output_option
def list_instances(
    hub: TaskHubClient, name: str | None, status: str | None, since: datetime | None, output: str
) -> None:
    """List instances in order of their creation."""
    rows = [
        row
        for row in map(_row, hub.instances())
        if name in (None, row["name"])
        and status in (None, row["runtimeStatus"])
        and (since is None or _began(row) >= since)
    ]
    show([{"appID": hub.app["appId"], **row} for row in rows], output, LIST)


@command("history")
@instance_argument
@output_option
def history(hub: TaskHubClient, instance_id: str, output: str) -> None:
    """Show what has happened in an instance."""
    events = hub.history(instance_id)
    times = [datetime.fromisoformat(event["timestamp"]) for event in events]
    spans = [at - before for before, at in itertools.pairwise([*times[:1], *times])]
    rows = [_event_row(*each) for each in zip(events, spans, strict=True)]
    show(rows, output, HISTORY)


@command("suspend")
@instance_argument
@reason_option
def suspend(hub: TaskHubClient, instance_id: str, reason: str | None) -> None:
    """Hold an instance back until it is resumed."""
    hub.ask("SuspendInstance", instanceId=instance_id, reason=reason)
    click.echo(f"suspended: {instance_id}")


@command("resume")
@instance_argument
@reason_option
def resume(hub: TaskHubClient, instance_id: str, reason: str | None) -> None:
    """Let a suspended instance go on."""
    hub.ask("ResumeInstance", instanceId=instance_id, reason=reason)
    click.echo(f"resumed: {instance_id}")


@command("terminate")
@instance_argument
@click.option("-o", "--output", type=json_text, help="Its output, as JSON.")
def terminate(hub: TaskHubClient, instance_id: str, output: str | None) -> None:
    """End an instance and its children, without any compensation."""
    hub.ask("TerminateInstance", instanceId=instance_id, output=output, recursive=True)
    click.echo(f"terminated: {instance_id}")


@command("raise-event")
@click.argument("target", metavar="INSTANCE-ID/EVENT-NAME")
@input_option
def raise_event(hub: TaskHubClient, target: str, data: str | None) -> None:
    """Give an external event to an instance."""
    instance_id, _, name = target.rpartition("/")
    if not (instance_id and name):
        raise click.UsageError("give INSTANCE-ID/EVENT-NAME")
    hub.ask("RaiseEvent", instanceId=instance_id, name=name, input=data)
    click.echo(f"raised: {name}")


@command("rerun")
@instance_argument
@click.option("-e", "--event-id", type=int, help="From which event; by default from the first.")
@click.option("--new-instance-id", "new_id", help="By default a new id is made.")
@input_option
def rerun(
    hub: TaskHubClient, instance_id: str, event_id: int | None, new_id: str | None, data: str | None
) -> None:
    """Run a finished instance again from an event, under a new id; print the id."""
    if event_id is None:
        ids = [event.get("eventId", 0) for event in hub.history(instance_id)]
        event_id = min((each for each in ids if each >= 0), default=0)
    fields = {"sourceInstanceID": instance_id, "eventID": event_id, "newInstanceID": new_id}
    overwritten = {"input": data, "overwriteInput": data is not None}
    click.echo(hub.ask("RerunWorkflowFromEvent", **fields, **overwritten)["newInstanceID"])


@command("purge")
@click.argument("instance_ids", metavar="[INSTANCE-ID]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All that have finished.")
@click.option("--all-older-than", "until", type=ago, help="All that began before, such as 24h.")
@click.option("--all-filter-status", "status", type=STATUSES, help="Of these only some.")
@click.option("--force", is_flag=True, help="Also what has not finished.")
def purge(
    hub: TaskHubClient,
    instance_ids: tuple[str, ...],
    every: bool,
    until: datetime | None,
    status: str | None,
    force: bool,
) -> None:
    """Forget finished instances: those that are named, or all of a kind."""
    if bool(instance_ids) + every + (until is not None) != 1:
        raise click.UsageError("give INSTANCE-IDs, --all or --all-older-than")
    if status and until is None:
        raise click.UsageError("--all-filter-status goes with --all-older-than")
    if status not in (None, *ENDED) and not force:
        raise RefusedError(f"{status} workflows have not finished; purge them with --force")
    chosen = instance_ids or [
        row["instanceID"]
        for row in map(_row, hub.instances())
        if row["runtimeStatus"] in ([status] if status else ENDED)
        and (until is None or _began(row) < until)
    ]
    _purge(hub, chosen, recursive=bool(instance_ids), force=force)


def _purge(hub: TaskHubClient, instance_ids: Sequence[str], **options: bool) -> None:
    """Says how many are gone. Raises RefusedError, which names those that are not."""
    requests = [{"instanceId": each, **options} for each in instance_ids]
    count, refused = 0, defaultdict[str, list[str]](list)
    for instance_id, outcome in zip(
        instance_ids, hub.outcomes("PurgeInstances", requests), strict=True
    ):
        if isinstance(outcome, RefusedError):
            refused[str(outcome)].append(instance_id)
        else:
            count += outcome["deletedInstanceCount"]
    click.echo(f"purged: {count}")
    if refused:
        raise RefusedError("; ".join(f"{', '.join(ids)}: {why}" for why, ids in refused.items()))


def _row(state: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": state.get("name", ""),  # the task hub takes an empty one too
        "instanceID": state["instanceId"],
        "created": state["createdTimestamp"],
        "lastUpdate": state["lastUpdatedTimestamp"],
        "runtimeStatus": state.get("workflowStatus", "RUNNING").removeprefix(PREFIX),
        "customStatus": _unquoted(state.get("customStatus")),
        "failureMessage": state.get("failureDetails", {}).get("errorMessage"),
        "age": age(state["createdTimestamp"]),
    }


def _began(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["created"])


def _event_row(event: dict[str, Any], elapsed: timedelta) -> dict[str, Any]:
    kind = next((each for each in event if each not in EVENT_FIELDS), "unknown")
    attributes = dict(event.get(kind, {}))
    ended_as = attributes.get("workflowStatus", "").removeprefix(PREFIX)
    event_id = event.get("eventId", 0)
    return {
        "type": kind[0].upper() + kind[1:],
        "name": attributes.pop("name", None),
        "eventId": event_id if event_id >= 0 else None,
        "elapsed": shown_span(elapsed),
        "status": ended_as or EVENT_STATUSES.get(kind, "RUNNING"),
        "timestamp": event["timestamp"],
        "attrs": attributes,
    }


def _unquoted(encoded: str | None) -> Any:
    """A custom status, which is JSON, as the value that the workflow gave."""
    try:
        return json.loads(encoded) if encoded else encoded
    except ValueError:
        return encoded
