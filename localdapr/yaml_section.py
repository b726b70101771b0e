"""A mapping of a YAML file that knows where it stands, so that each complaint names file and line.

It reads scalars as they are written (`DEBUG: true` is the text "true", as the Dapr CLI has it)
and knows nothing of what a manifest means.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from pathlib import Path

import yaml

from localdapr.errors import ManifestError

PORTS = range(1, 65536)


class Section:
    """One mapping: `place` is what a person calls it, such as "apps[2] (pizza-kitchen)"."""

    def __init__(self, file: str, place: str, node: yaml.MappingNode) -> None:
        self.file = file
        self.place = place
        self._node = node
        self._values = dict(_entries(file, place, node))

    def complain(self, text: str, key: str | None = None) -> ManifestError:
        """The error to raise: file, place, text and the line of `key` or of the section."""
        node = self._values.get(key, self._node) if key else self._node
        return _error(self.file, self.place, text, node)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def check_keys(self, known: Collection[str]) -> None:
        """Refuses a key that is not in `known`, with the nearest known one as a hint."""
        for key in self._values:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise self.complain(f"unknown key {key}{hint}", key)

    def text(self, key: str) -> str | None:
        """The scalar under `key` as written; None when absent, null or empty."""
        node = self._present(key)
        if node is None:
            return None
        if not isinstance(node, yaml.ScalarNode):
            raise self.complain(f"{key} must be a text", key)
        if "\0" in node.value:
            raise self.complain(f"{key} must not contain a null character", key)
        return node.value or None

    def port(self, key: str, offset: int = 0) -> int | None:
        """The port under `key` plus `offset`; None when absent."""
        node = self._present(key)
        if node is None:
            return None
        value = node.value if isinstance(node, yaml.ScalarNode) else "a list or mapping"
        if not _is_whole(node) or int(value) not in PORTS:
            wanted = f"a whole number from 1 to {PORTS[-1]}"
            raise self.complain(f"{key} must be {wanted}, not {value!r}", key)
        if int(value) + offset not in PORTS:
            text = f"{key} {value} with port offset {offset} is not a port (1 to {PORTS[-1]})"
            raise self.complain(text, key)
        return int(value) + offset

    def texts(self, key: str) -> tuple[str, ...]:
        """The list of scalars under `key`; empty when absent."""
        node = self._present(key)
        if node is None:
            return ()
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        scalars = [item for item in items if isinstance(item, yaml.ScalarNode)]
        if items == [node] or len(scalars) < len(items) or any("\0" in s.value for s in scalars):
            raise self.complain(f'{key} must be a list of texts, such as ["a", "b"]', key)
        return tuple(scalar.value for scalar in scalars)

    def pairs(self, key: str) -> dict[str, str]:
        """The mapping of name to scalar under `key`; empty when absent. A null value is ""."""
        node = self._present(key)
        if node is None:
            return {}
        if not isinstance(node, yaml.MappingNode):
            raise self.complain(f"{key} must be a mapping of names to values", key)
        inner = Section(self.file, f"{self.place}: {key}" if self.place else key, node)
        return {name: inner.text(name) or "" for name in inner}

    def section(self, key: str) -> Section | None:
        """The mapping under `key`; None when absent."""
        node = self._present(key)
        if node is None:
            return None
        if not isinstance(node, yaml.MappingNode):
            raise self.complain(f"{key} must be a mapping", key)
        return Section(self.file, key, node)

    def sections(self, key: str, name_key: str) -> Iterator[Section]:
        """Each mapping of the list under `key`, called "key[i]" and by its `name_key`."""
        node = self._present(key)
        if node is not None and not isinstance(node, yaml.SequenceNode):
            raise self.complain(f"{key} must be a list", key)
        for index, item in enumerate(node.value if node is not None else []):
            place = f"{key}[{index}]"
            if not isinstance(item, yaml.MappingNode):
                raise _error(self.file, place, "must be a mapping", item)
            yield Section(self.file, place + _name_of(item, name_key), item)

    def _present(self, key: str) -> yaml.Node | None:
        node = self._values.get(key)
        return None if node is None or node.tag == "tag:yaml.org,2002:null" else node


def read_section(path: Path) -> Section:
    """The root mapping of the YAML file; ManifestError when it cannot be read as one."""
    file = str(path)
    try:
        loader = yaml.SafeLoader(path.read_text("utf-8"))
        root = loader.get_single_node()
    except OSError as error:
        raise ManifestError(f"{file}: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"{file}: is not UTF-8 text") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ManifestError(f"{file}: {_reason(error)}") from error
    if not isinstance(root, yaml.MappingNode):
        raise ManifestError(f"{file}: must be a YAML mapping")
    return Section(file, "", root)


def _entries(file: str, place: str, node: yaml.MappingNode) -> Iterator[tuple[str, yaml.Node]]:
    """Keys and values, `<<` merged; a key written twice or not a scalar is an error."""
    own: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _error(file, place, "a key must be a text", key)
        if key.value in own:
            raise _error(file, place, f"{key.value} stands here twice", key)
        own.add(key.value)
    try:
        yaml.SafeLoader("").flatten_mapping(node)
    except (yaml.YAMLError, RecursionError) as error:
        raise ManifestError(f"{file}: {_reason(error)}") from error
    for key, value in node.value:
        yield key.value, value


def _error(file: str, place: str, text: str, node: yaml.Node) -> ManifestError:
    where = f"{file}: {place}: " if place else f"{file}: "
    return ManifestError(f"{where}{text} (line {node.start_mark.line + 1})")


def _reason(error: Exception) -> str:
    """What the YAML reader said, on one line."""
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"{error.problem} (line {mark.line + 1}, column {mark.column + 1})"
    return " ".join(str(error).split())


def _is_whole(node: yaml.Node) -> bool:
    return node.tag == "tag:yaml.org,2002:int" and node.value.isdecimal()


def _name_of(node: yaml.MappingNode, name_key: str) -> str:
    for key, value in node.value:
        if key.value == name_key and isinstance(value, yaml.ScalarNode) and value.value:
            return f" ({value.value})"
    return ""
