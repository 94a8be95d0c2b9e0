"""Queries that every request asks: Django words them once for a process, PostgreSQL plans them once for a session.

Django takes longer to word a query of two tables than PostgreSQL to answer it, and PostgreSQL longer to plan it.
"""

import re
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators

from deposit.models.prepared import Prepared

M = TypeVar("M", bound=Model)

_PLACE = re.compile("%[s%]")


class Compiled(Generic[M]):
    """A query of whole rows of one model, with what ``select_related`` and ``annotate`` add.

    ``queryset`` gets ``samples``, one for each value, each unlike the others and of the right type; the statement may
    depend on values in no other way than by holding them. None is no value. Rows come as the queryset gives them.
    """

    def __init__(self, queryset: Callable[..., QuerySet[M]], *samples: object) -> None:
        self._queryset, self._samples = queryset, samples
        self._worded: _Worded | None = None

    def all(self, *values: object) -> list[M]:
        """The rows for these values, in the order of the samples."""
        return self._rows(values)

    def first(self, *values: object) -> M | None:
        """The only row, or the first."""
        rows = self._rows(values)
        return rows[0] if rows else None

    def _rows(self, values: tuple[object, ...]) -> list[M]:
        worded = self._worded
        if worded is None:
            # Two threads may word it; either result will do.
            worded = self._worded = _Worded(self._queryset(*self._samples), self._samples)
        return worded.rows(values)


class _Worded:
    """The statement, where the values go, and how a row becomes an object."""

    def __init__(self, queryset: "QuerySet[Any]", samples: tuple[object, ...]) -> None:
        compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, parameters = compiler.as_sql()
        # In the order in which they stand in the statement; what does not change is written into it.
        self._order = [samples.index(one) for one in parameters if one in samples]
        if set(self._order) != set(range(len(samples))):
            raise ValueError("A value does not stand in the statement as it was given.")
        written = iter(["%s" if one in samples else _literal(one) for one in parameters])
        self._statement = Prepared(_PLACE.sub(lambda found: next(written) if found[0] == "%s" else "%%", sql))
        select, info = compiler.select, compiler.klass_info
        fields = info["select_fields"]
        self._first, self._end = fields[0], fields[-1] + 1
        self._names = [select[place][0].target.attname for place in fields]
        self._model = info["model"]
        self._related = get_related_populators(info, select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]
        self._annotations = dict(compiler.annotation_col_map)
        # Of Django's own, only those that a type of ours needs: (place, functions, expression).
        self._converters = [
            (place, functions, expression)
            for place, (functions, expression) in compiler.get_converters(
                [one for one, _, _ in select]
            ).items()
        ]

    def rows(self, values: tuple[object, ...]) -> list[Any]:
        """Ask, and make the objects."""
        found = self._statement.rows(*(values[index] for index in self._order))
        connection = connections[DEFAULT_DB_ALIAS]
        return [self._object(list(row), connection) for row in found]

    def _object(self, row: list[Any], connection: Any) -> Any:
        for place, functions, expression in self._converters:
            for function in functions:
                row[place] = function(row[place], expression, connection)
        made = self._model.from_db(DEFAULT_DB_ALIAS, self._names, row[self._first : self._end])
        for related in self._related:
            related.populate(row, made)
        for name, place in self._annotations.items():
            setattr(made, name, row[place])
        return made


def _literal(value: object) -> str:
    """A value as it stands in a statement that psycopg2 will fill in further."""
    connection = connections[DEFAULT_DB_ALIAS]
    with connection.cursor() as cursor:
        text: str = cursor.mogrify("%s", [value]).decode()
    return text.replace("%", "%%")
