"""Index expressions and subsets of a single dataset, in which `_S` is the entity (`"_S.vowel"`)."""

from __future__ import annotations

from localnode.dtl import IndexExpression, PipeSettings, Subset, compile_index, join_keys
from localnode.pipes.errors import ConfigProblem


def entity_index(expression: object, settings: PipeSettings) -> IndexExpression:
    """Return an index over `_S`. DtlCompileError (a ValueError) when the expression cannot be used."""
    return compile_index(expression, "_S", settings)


def compile_subset(expression: object, settings: PipeSettings) -> Subset:
    """`["eq", <index expression>, <literal>]` as a subset. ConfigProblem when it is not of that form."""
    if not isinstance(expression, list) or len(expression) != 3 or expression[0] != "eq":
        raise ConfigProblem(("subset",), 'must be ["eq", <index expression>, <literal>]')
    try:
        index = entity_index(expression[1], settings)
    except ValueError as error:
        raise ConfigProblem(("subset",), str(error)) from error
    literal = expression[2]
    return Subset(index, frozenset([literal] if index.primary_key else join_keys(literal)))
