"""Sesam's Data Transformation Language: a compiler from rules (JSON) to closures, and its function library.

    program = compile_dtl(rules, PipeSettings(pipe_id="orders"))    # raises DtlCompileError
    for output in program.transform(entity, context): ...           # raises DtlError, DtlTrip

The place to start reading is `compiler.py` (expressions) and `program.py` (rules); every DTL function is a
small Python function in `functions/`, every DTL transform one in `transforms/`.
"""

from localnode.dtl.api import (
    DtlCompileError,
    DtlError,
    DtlProblem,
    DtlTrip,
    HopJoin,
    PipeSettings,
    TransformContext,
)
from localnode.dtl.joins import IndexExpression, Subset, join_keys
from localnode.dtl.program import Program, compile_dtl, compile_index
from localnode.dtl.version import semantics

__all__ = [
    "DtlCompileError",
    "DtlError",
    "DtlTrip",
    "HopJoin",
    "IndexExpression",
    "PipeSettings",
    "DtlProblem",
    "Program",
    "Subset",
    "TransformContext",
    "compile_dtl",
    "compile_index",
    "join_keys",
    "semantics",
]
