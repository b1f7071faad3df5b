"""What an operator is told when a request is refused."""

from __future__ import annotations


class ManagementError(Exception):
    """An operator's request that cannot be carried out: what is wrong, and what would be right."""

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(f"{why}: {remedy}" if remedy else why)
        self.why, self.remedy = why, remedy
