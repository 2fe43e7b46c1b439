"""Values that an ERP keeps in lists of small objects.

A party's e-mail among its contact mechanisms, its first address, the lines of an order; and how a change of
such a list is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.common.datatype import Record
from connectors.erp.mapping.conditions import fits
from connectors.erp.mapping.templates import render
from connectors.erp.profile.model import mapping as model
from connectors.erp.profile.model import writing
from core.dotted import get_path, set_path


class Commands:
    """How changes of a list are written.

    As commands by the profile's templates `create`, `update`, `delete` (with `{item}`, `{id}` and
    `{changes}`), or, without them, as the whole list.
    """

    def __init__(self, spec: writing.CommandTemplates | None) -> None:
        self._spec = spec

    @property
    def whole(self) -> bool:
        """Whether the list is always written whole."""
        return self._spec is None

    def create(self, item: Record) -> object:
        """Return the command that adds an item."""
        assert self._spec is not None
        return render(self._spec.create, {"item": item})

    def update(self, key: object, changes: Record) -> object:
        """Return the command that changes the item of that key."""
        assert self._spec is not None
        return render(self._spec.update, {"id": key, "changes": changes})

    def delete(self, key: object) -> object:
        """Return the command that removes the item of that key."""
        assert self._spec is not None
        return render(self._spec.delete, {"id": key})


class Item:
    """One item, or one kind of items, in a list of the ERP's record."""

    def __init__(self, spec: model.ItemSpec, commands: Commands) -> None:
        self.place = spec.to or spec.held_in
        self.part = spec.part or ""
        self._list = spec.held_in
        self._where = spec.where
        self.id = spec.id
        self._new = spec.new
        self._holds = spec.holds
        self._commands = commands

    def all(self, raw: object) -> list[Record]:
        """Return the items of this kind, in the list's order."""
        return [item for item in self._items(raw) if fits(self._where, item)]

    def find(self, raw: object) -> Record | None:
        """Return the first of them."""
        return next((item for item in self._items(raw) if fits(self._where, item)), None)

    def change(self, values: Record, raw: Any, written: Any = None) -> object:
        """Return what to write so that the item has these values; None if nothing.

        One that loses the value it `needs` is removed. `written` is what the list is to be already, for other
        items in it.
        """
        if written is not None and self._commands.whole:
            raw = dict(raw or {})
            set_path(raw, self._list, written)
        change = self._change(values, raw)
        if written is not None and change is not None and not self._commands.whole:
            return [*written, *change]
        return change

    def _change(self, values: Record, raw: object) -> Any:
        item = self.find(raw)
        emptied = self._holds is not None and self._holds in values and values[self._holds] is None
        if item is None:
            if emptied or all(value is None for value in values.values()):
                return None
            filled = {name: value for name, value in values.items() if value is not None}
            return self._list_with(raw, None, {**self._new, **filled})
        return self._list_with(raw, item, None if emptied else values)

    def changes(self, changed: Sequence[tuple[object, Record]], raw: object) -> object:
        """Return what to write for several: pairs of a key (None for a new item) and its values.

        None if nothing.
        """
        if not changed:
            return None
        if self._commands.whole:
            items = [dict(item) for item in self._items(raw)]
            place = {str(get_path(item, self.id)): item for item in items}
            for key, values in changed:
                if key is None:
                    items.append({**self._new, **values})
                else:
                    place[str(key)].update(values)
            return items
        present = {str(get_path(item, self.id)): get_path(item, self.id) for item in self._items(raw)}
        return [
            self._commands.create({**self._new, **values})
            if key is None
            else self._commands.update(present.get(str(key), key), values)
            for key, values in changed
        ]

    def _list_with(self, raw: object, item: Record | None, values: Record | None) -> object:
        if self._commands.whole:
            others = [dict(other) for other in self._items(raw) if other is not item]
            return others if values is None else [*others, {**(item or {}), **values}]
        if item is None:
            return [self._commands.create(values or {})]
        key = get_path(item, self.id)
        return [self._commands.delete(key) if values is None else self._commands.update(key, values)]

    def _items(self, raw: object) -> list[Record]:
        found = get_path(raw, self._list) if raw is not None else None
        return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
