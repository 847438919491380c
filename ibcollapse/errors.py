"""The errors a user can meet: one base class, each also a builtin that a caller would catch."""


class IBCollapseError(Exception):
    """Base of every error raised on purpose; its message says what was found and what to do."""


class InputError(IBCollapseError, ValueError):
    """An argument has a wrong value, shape or type."""


class FeatureFileError(IBCollapseError, ValueError):
    """A feature file can be opened but does not hold what is needed."""


class FeatureFileNotFoundError(IBCollapseError, FileNotFoundError):
    """A path that was asked for does not exist."""


class ResultFileError(IBCollapseError, ValueError):
    """A result file is damaged, of a newer version, or no result of this library."""


class NumericalError(IBCollapseError, ArithmeticError):
    """A computation ended in numbers that are not finite, or in none: a fault of this library."""


class OutputError(IBCollapseError, OSError):
    """A result could not be written; nothing half-written is left behind."""


class MissingExtraError(IBCollapseError, ImportError):
    """An optional dependency is absent; the message names the extra to install."""

    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs the extra '{extra}': pip install 'ibcollapse[{extra}]'")
        self.extra = extra
