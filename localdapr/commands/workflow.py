"""`localdapr workflow`: look at an app's workflow instances and steer them.

It asks the task hub of the app's sidecar, with the calls of the SDK's own client.
"""

from __future__ import annotations

import functools
import itertools
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from localdapr.commands.asking import data_dir_option, json_text
from localdapr.commands.moments import age, ago, from_now, shown_span, shown_time
from localdapr.commands.tables import output_option, show
from localdapr.commands.task_hub_client import TaskHubClient
from localdapr.errors import RefusedError
from localdapr.wire import pb, text, timestamp

ENDED = ["COMPLETED", "FAILED", "CANCELED", "TERMINATED"]
STATUSES = click.Choice(
    ["RUNNING", *ENDED, "PENDING", "SUSPENDED", "STALLED"], case_sensitive=False
)
LIST = {
    "NAME": "name",
    "ID": "instanceID",
    "STATUS": "runtimeStatus",
    "CUSTOM STATUS": "customStatus",
    "AGE": "age",
}
LIST_WIDE = {
    "APP ID": "appID",
    **LIST,
    "CREATED": "created",
    "LAST UPDATE": "lastUpdate",
    "FAILURE MESSAGE": "failureMessage",
}
HISTORY = {
    "TYPE": "type",
    "NAME": "name",
    "EVENTID": "eventId",
    "ELAPSED": "elapsed",
    "STATUS": "status",
}
HISTORY_WIDE = HISTORY | {"TIMESTAMP": "timestamp", "ATTRS": "attrs"}

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
@click.argument("name")
@click.option("-i", "--instance-id", default="", help="Its id; by default a new one is made.")
@input_option
@click.option("-s", "--start-time", "at", type=from_now, help="When: like 10s or 1h, or a time.")
def run(hub: TaskHubClient, name: str, instance_id: str, data: str | None, at: int | None) -> None:
    """Start an instance of the workflow NAME; print its id."""
    request = pb.CreateInstanceRequest(
        name=name,
        instanceId=instance_id,
        input=text(data),
        scheduledStartTimestamp=None if at is None else timestamp(at),
    )
    click.echo(hub.ask("StartInstance", request).instanceId)


@command("list")
@click.option("-w", "--filter-name", "name", help="Only those of this workflow.")
@click.option("-s", "--filter-status", "status", type=STATUSES, help="Only those in this status.")
@click.option("-m", "--filter-max-age", "since", type=ago, help="Only those that began since.")
@output_option
def list_instances(
    hub: TaskHubClient, name: str | None, status: str | None, since: int | None, output: str
) -> None:
    """List instances in order of their creation."""
    rows = [
        row
        for row in hub.instances()
        if name in (None, row["name"])
        and status in (None, row["runtimeStatus"])
        and row["created"] >= (since or 0)
    ]
    for row in rows:
        row["age"] = age(row["created"])
        row |= {key: shown_time(row[key]) for key in ("created", "lastUpdate")}
        row["customStatus"] = _unquoted(row["customStatus"])
    show(rows, output, LIST, LIST_WIDE)


@command("history")
@instance_argument
@output_option
def history(hub: TaskHubClient, instance_id: str, output: str) -> None:
    """Show what has happened in an instance."""
    rows = hub.history(instance_id)
    times = [row["timestamp"] for row in rows]
    for row, (before, at) in zip(rows, itertools.pairwise([*times[:1], *times]), strict=True):
        row |= {"elapsed": shown_span(at - before), "timestamp": shown_time(at)}
    show(rows, output, HISTORY, HISTORY_WIDE)


@command("suspend")
@instance_argument
@reason_option
def suspend(hub: TaskHubClient, instance_id: str, reason: str | None) -> None:
    """Hold an instance back until it is resumed."""
    hub.ask("SuspendInstance", pb.SuspendRequest(instanceId=instance_id, reason=text(reason)))
    click.echo(f"suspended: {instance_id}")


@command("resume")
@instance_argument
@reason_option
def resume(hub: TaskHubClient, instance_id: str, reason: str | None) -> None:
    """Let a suspended instance go on."""
    hub.ask("ResumeInstance", pb.ResumeRequest(instanceId=instance_id, reason=text(reason)))
    click.echo(f"resumed: {instance_id}")


@command("terminate")
@instance_argument
@click.option("-o", "--output", type=json_text, help="Its output, as JSON.")
def terminate(hub: TaskHubClient, instance_id: str, output: str | None) -> None:
    """End an instance and its children, without any compensation."""
    request = pb.TerminateRequest(instanceId=instance_id, output=text(output), recursive=True)
    hub.ask("TerminateInstance", request)
    click.echo(f"terminated: {instance_id}")


@command("raise-event")
@click.argument("target", metavar="INSTANCE-ID/EVENT-NAME")
@input_option
def raise_event(hub: TaskHubClient, target: str, data: str | None) -> None:
    """Give an external event to an instance."""
    instance_id, _, name = target.rpartition("/")
    if not (instance_id and name):
        raise click.UsageError("give INSTANCE-ID/EVENT-NAME")
    request = pb.RaiseEventRequest(instanceId=instance_id, name=name, input=text(data))
    hub.ask("RaiseEvent", request)
    click.echo(f"raised: {name}")


@command("rerun")
@instance_argument
@click.option("-e", "--event-id", type=int, help="From which event; by default from the first.")
@click.option("--new-instance-id", "new_id", default="", help="By default a new id is made.")
@input_option
def rerun(
    hub: TaskHubClient, instance_id: str, event_id: int | None, new_id: str, data: str | None
) -> None:
    """Run a finished instance again from an event, under a new id; print the id."""
    if event_id is None:
        ids = [row["eventId"] for row in hub.history(instance_id)]
        event_id = min((each for each in ids if each is not None), default=0)
    request = pb.RerunWorkflowFromEventRequest(
        sourceInstanceID=instance_id,
        eventID=event_id,
        newInstanceID=new_id or uuid.uuid4().hex,
        input=text(data),
        overwriteInput=data is not None,
    )
    click.echo(hub.ask("RerunWorkflowFromEvent", request).newInstanceID)


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
    until: int | None,
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
        for row in hub.instances()
        if row["runtimeStatus"] in ([status] if status else ENDED)
        and (until is None or row["created"] < until)
    ]
    requests = [
        pb.PurgeInstancesRequest(instanceId=each, recursive=bool(instance_ids), force=force)
        for each in chosen
    ]
    answers = hub.ask_all("PurgeInstances", requests)
    click.echo(f"purged: {sum(answer.deletedInstanceCount for answer in answers)}")


def _unquoted(encoded: str | None) -> Any:
    """A custom status, which is JSON, as the value that the workflow gave."""
    try:
        return json.loads(encoded) if encoded else encoded
    except ValueError:
        return encoded
