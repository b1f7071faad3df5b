"""What an operator asked for and cannot have.

Guest errors are `HcallError`; this is the operator's (docs/architecture.md, decision 6).
"""

from __future__ import annotations


class ManagementError(Exception):
    """A request refused: what was wrong, and (`remedy`) what would be right.  Nothing changed."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}; {self.remedy}" if self.remedy else self.problem
