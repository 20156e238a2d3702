"""Why a command is refused, in the domain's words: each text says what is allowed instead."""

from collections.abc import Mapping


class MetricsError(Exception):
    """Base of all refusals. `extensions` are facts that a program can act on."""

    def __init__(self, text: str, **extensions: object) -> None:
        super().__init__(text)
        self.extensions: Mapping[str, object] = extensions


class KpiUnknownError(MetricsError):
    """There is no KPI of that key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no KPI {key}. Define it first.")


class KpiExistsError(MetricsError):
    """The key is taken: a KPI's key means the same thing for ever."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The KPI {key} is defined already. Redefine it, or choose another key.", kpi=key
        )


class KpiKeyError(MetricsError):
    """The key does not have the form that keys have."""

    def __init__(self) -> None:
        super().__init__(
            "A KPI's key is 1 to 8 words of lower-case letters, digits, hyphens and underscores, "
            "joined by dots."
        )


class KpiRetiredError(MetricsError):
    """A retired KPI no longer changes."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The KPI {key} is retired. What it measured can only be read.", kpi=key)


class DefinitionUnchangedError(MetricsError):
    """The new definition says nothing new."""

    def __init__(self, definition: int) -> None:
        super().__init__(
            f"This is definition {definition}, word for word: change something, or leave it.",
            definition=definition,
        )


class ReasonRequiredError(MetricsError):
    """A redefinition says why."""

    def __init__(self) -> None:
        super().__init__("A KPI is redefined with a reason: say why.")


class TimeZoneUnknownError(MetricsError):
    """No time zone has that name."""

    def __init__(self) -> None:
        super().__init__("The time zone is not in the IANA database. A known one: Europe/Berlin.")


class DefinitionUnknownError(MetricsError):
    """The KPI has no definition of that number."""

    def __init__(self, key: str, definition: int) -> None:
        super().__init__(f"The KPI {key} has no definition {definition}.")
