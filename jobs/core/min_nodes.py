"""The fewest nodes to publish, as an option says it."""

import re
from typing import Self

from msgspec import Struct


class MinNodes(Struct, frozen=True):
    """The fewest nodes to publish before anything is withdrawn: a number, or a percentage of the selected nodes."""

    number: int
    percent: bool = False

    def required(self, selected: int) -> int:
        """Round a percentage up; even 0% asks for one node, only the plain number 0 asks for none."""
        return max(1, -(-selected * self.number // 100)) if self.percent else self.number

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `N` or `N%`; raises ValueError with a text for people."""
        digits = text.removesuffix("%")
        if not re.fullmatch("[0-9]{1,9}", digits) or (digits != text and int(digits) > 100):
            raise ValueError("is neither a number of nodes nor a percentage from 0% to 100%")
        return cls(int(digits), percent=digits != text)

    def __str__(self) -> str:
        """Give the form of the option."""
        return f"{self.number}%" if self.percent else str(self.number)
