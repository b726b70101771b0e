"""`localdapr workflow`: look at an app's workflow instances and steer them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from localdapr.commands.asking import ask, data_dir_option, json_text
from localdapr.commands.moments import age, ago, from_now, shown_span, shown_time
from localdapr.commands.tables import output_option, show

STATUSES = click.Choice(
    ["RUNNING", "COMPLETED", "FAILED", "CANCELED", "TERMINATED", "PENDING", "SUSPENDED", "STALLED"],
    case_sensitive=False,
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
    """A command of the group, with the options that all of them have."""

    def register(function: Callable[..., None]) -> click.Command:
        help_text = "The app; may be left out where one alone runs."
        with_app = click.option("-a", "--app-id", metavar="ID", help=help_text)(function)
        return workflow.command(name)(data_dir_option(with_app))

    return register


def ask_workflow(folder: Path, verb: str, **asked: Any) -> Any:
    return ask(folder, "workflow", verb=verb, **asked)


@command("run")
@click.argument("name")
@click.option("-i", "--instance-id", default="", help="Its id; by default a new one is made.")
@input_option
@click.option("-s", "--start-time", "at", type=from_now, help="When: like 10s or 1h, or a time.")
def run(folder: Path, data: str | None, at: int | None, **asked: Any) -> None:
    """Start an instance of the workflow NAME; print its id."""
    click.echo(ask_workflow(folder, "run", input=data, scheduled_at=at, **asked))


@command("list")
@click.option("-w", "--filter-name", "name", help="Only those of this workflow.")
@click.option("-s", "--filter-status", "status", type=STATUSES, help="Only those in this status.")
@click.option("-m", "--filter-max-age", "since", type=ago, help="Only those that began since.")
@output_option
def list_instances(folder: Path, output: str, **asked: Any) -> None:
    """List instances in order of their creation."""
    rows = ask_workflow(folder, "list", **asked)
    for row in rows:
        row["age"] = age(row["created"])
        row |= {key: shown_time(row[key]) for key in ("created", "lastUpdate")}
        row["customStatus"] = _unquoted(row["customStatus"])
    show(rows, output, LIST, LIST_WIDE)


@command("history")
@instance_argument
@output_option
def history(folder: Path, output: str, **asked: Any) -> None:
    """Show what has happened in an instance."""
    rows = ask_workflow(folder, "history", **asked)
    times = [row["timestamp"] for row in rows]
    for row, (before, at) in zip(rows, itertools.pairwise([*times[:1], *times]), strict=True):
        row |= {"elapsed": shown_span(at - before), "timestamp": shown_time(at)}
    show(rows, output, HISTORY, HISTORY_WIDE)


@command("suspend")
@instance_argument
@reason_option
def suspend(folder: Path, **asked: Any) -> None:
    """Hold an instance back until it is resumed."""
    ask_workflow(folder, "suspend", **asked)
    click.echo(f"suspended: {asked['instance_id']}")


@command("resume")
@instance_argument
@reason_option
def resume(folder: Path, **asked: Any) -> None:
    """Let a suspended instance go on."""
    ask_workflow(folder, "resume", **asked)
    click.echo(f"resumed: {asked['instance_id']}")


@command("terminate")
@instance_argument
@click.option("-o", "--output", type=json_text, help="Its output, as JSON.")
def terminate(folder: Path, **asked: Any) -> None:
    """End an instance and its children, without any compensation."""
    ask_workflow(folder, "terminate", **asked)
    click.echo(f"terminated: {asked['instance_id']}")


@command("raise-event")
@click.argument("target", metavar="INSTANCE-ID/EVENT-NAME")
@input_option
def raise_event(folder: Path, target: str, data: str | None, **asked: Any) -> None:
    """Give an external event to an instance."""
    instance_id, _, name = target.rpartition("/")
    if not (instance_id and name):
        raise click.UsageError("give INSTANCE-ID/EVENT-NAME")
    asked |= {"instance_id": instance_id, "name": name, "payload": data}
    ask_workflow(folder, "raise_event", **asked)
    click.echo(f"raised: {name}")


@command("rerun")
@instance_argument
@click.option("-e", "--event-id", type=int, help="From which event; by default from the first.")
@click.option("--new-instance-id", "new_id", default="", help="By default a new id is made.")
@input_option
def rerun(folder: Path, **asked: Any) -> None:
    """Run a finished instance again from an event, under a new id; print the id."""
    click.echo(ask_workflow(folder, "rerun", **asked))


@command("purge")
@click.argument("instance_ids", metavar="[INSTANCE-ID]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All that have finished.")
@click.option("--all-older-than", "until", type=ago, help="All that began before, such as 24h.")
@click.option("--all-filter-status", "status", type=STATUSES, help="Of these only some.")
@click.option("--force", is_flag=True, help="Also what has not finished.")
def purge(
    folder: Path,
    instance_ids: tuple[str, ...],
    every: bool,
    until: int | None,
    status: str | None,
    **asked: Any,
) -> None:
    """Forget finished instances: those that are named, or all of a kind."""
    if bool(instance_ids) + every + (until is not None) != 1:
        raise click.UsageError("give INSTANCE-IDs, --all or --all-older-than")
    if status and until is None:
        raise click.UsageError("--all-filter-status goes with --all-older-than")
    if instance_ids:
        count = ask_workflow(folder, "purge", instance_ids=instance_ids, **asked)
    else:
        count = ask_workflow(folder, "purge_all", status=status, until=until, **asked)
    click.echo(f"purged: {count}")


def _unquoted(text: str | None) -> Any:
    """A custom status, which is JSON, as the value that the workflow gave."""
    try:
        return json.loads(text) if text else text
    except ValueError:
        return text
