"""YAML files as they were written, checked against models; a complaint names file, key and line.

Scalars stay texts (`DEBUG: on` is "on", as the Dapr CLI has it): a model says what a field is.
Knows nothing of what a file means.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from localdapr.errors import ManifestError

Place = tuple[int | str, ...]  # ("apps", 0, "appPort")
WORDS = {
    "dict_type": "must be a mapping",
    "extra_forbidden": "is no key that is known here",
    "float_parsing": "must be a number",
    "int_parsing": "must be a whole number",
    "missing": "is missing",
    "model_type": "must be a mapping",
    "string_type": "must be a text",
    "too_short": "must not be empty",
    "tuple_type": "must be a list, such as [a, b]",
}


def as_text(value: object) -> object:
    """A scalar as YAML shows it: `true`, not `True`; nothing for null."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else "" if value is None else value


Text = Annotated[str, BeforeValidator(as_text)]


class Model(BaseModel):
    """A mapping of a file. What is null or an empty text counts as not given."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True, arbitrary_types_allowed=True)
    not_given: ClassVar[tuple[object, ...]] = (None, "")

    @model_validator(mode="before")
    @classmethod
    def _given(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: part for name, part in value.items() if part not in cls.not_given}


M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Document:
    """One document of a file: its plain data, and the nodes that know the lines."""

    path: Path
    value: Any
    node: yaml.Node

    def read(self, model: type[M], known: frozenset[str] = frozenset(), context: Any = None) -> M:
        """The document as a model; `known` keys are hinted at. Raises ManifestError."""
        try:
            return model.model_validate(self.value, context=context)
        except ValidationError as error:
            place, text = problem(error, known)
            raise self.complaint(place, text) from error

    def complaint(self, place: Place, text: str) -> ManifestError:
        """The error to raise: file, place, text and line."""
        where = f"{shown(place)}: " if place else ""
        line = _found(self.node, place).start_mark.line + 1
        return ManifestError(f"{self.path}: {where}{text} (line {line})")


def read_documents(path: Path) -> Iterator[Document]:
    """The documents of a file that are not empty. Raises ManifestError."""
    try:
        loader = _Loader(path.read_text("utf-8"))
        while loader.check_node():
            node = loader.get_node()
            value = loader.construct_document(node)
            if node is not None and value is not None:
                yield Document(path, value, node)
    except OSError as error:
        raise ManifestError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path}: is not UTF-8 text") from error
    except RecursionError as error:
        raise ManifestError(f"{path}: is nested too deeply") from error
    except yaml.YAMLError as error:
        raise ManifestError(f"{path}: is not YAML: {_reason(error)}") from error


def problem(error: ValidationError, known: frozenset[str] = frozenset()) -> tuple[Place, str]:
    """Where the first thing is that is wrong, and what is wrong with it."""
    errors = error.errors()
    # A key that is misspelt explains why another is missing.
    first = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
    kind, place, value = first["type"], first["loc"], first["input"]
    if kind == "value_error":
        return place, str(first["ctx"]["error"])
    if kind == "literal_error":
        return place, f"must be {first['ctx']['expected']}, not {value!r}"
    text = WORDS.get(kind, first["msg"])
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(place[-1]), known - {place[-1]}, n=1)
        return place, text + (f"; did you mean {near[0]}?" if near else "")
    return place, text + (f", not {value!r}" if isinstance(value, str) else "")


def said(error: ValueError) -> str:
    """What is wrong with data that come from no file."""
    if not isinstance(error, ValidationError):
        return str(error)
    place, text = problem(error)
    return f"{shown(place)}: {text}" if place else text


def shown(place: Place) -> str:
    """`apps[0].appPort`"""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return "".join(steps).removeprefix(".")


class _Loader(yaml.SafeLoader):
    """Null and `<<` mean what they mean in YAML, all other scalars are texts."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        keys: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(None, None, "a key must be a text", key.start_mark)
            if key.value in keys:
                said = f"{key.value} stands here twice"
                raise yaml.MarkedYAMLError(None, None, said, key.start_mark)
            keys.add(key.value)
        return node

    def construct_scalar(self, node: Any) -> Any:
        if "\0" in node.value:
            said = "a null character cannot be used"
            raise yaml.MarkedYAMLError(None, None, said, node.start_mark)
        return super().construct_scalar(node)


_Loader.yaml_implicit_resolvers = {
    first: [entry for entry in resolvers if entry[0].endswith((":null", ":merge"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _found(node: yaml.Node, place: Place) -> yaml.Node:
    """The node at a place, or the nearest around it."""
    if not place:
        return node
    inner: dict[int | str, yaml.Node] = {}
    if isinstance(node, yaml.MappingNode):
        inner = {key.value: value for key, value in node.value}
    elif isinstance(node, yaml.SequenceNode):
        inner = dict(enumerate(node.value))
    return _found(inner[place[0]], place[1:]) if place[0] in inner else node


def _reason(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"{error.problem} (line {mark.line + 1}, column {mark.column + 1})"
    return " ".join(str(error).split())
