"""Tapes among a command's options."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pyphyp.tapes import TapeName


class TapeFileName(click.ParamType):  # type: ignore[type-arg]
    """FILE[,ro][,SIZE]."""

    name = "file"

    def convert(
        self, value: str | TapeName, param: click.Parameter | None, ctx: click.Context | None
    ) -> TapeName:
        from pyphyp.raw_file import MediaError
        from pyphyp.tapes import parse_tape_name

        if not isinstance(value, str):
            return value
        try:
            return parse_tape_name(value)
        except MediaError as wrong:
            self.fail(str(wrong), param, ctx)
