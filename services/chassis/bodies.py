"""What every request body of a command has: strictness, and room for a reason.

And what every text and date in one has to look like.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic.annotated_handlers import GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

# PostgreSQL stores every character but this one.
STORABLE: Final = Field(pattern=r"^[^\x00]*$")

# Control characters but NUL, and the two of Unicode that end a line.
_CONTROLS: Final = r"\x01-\x1f\x7f-\x9f\u2028\u2029"
# Blanks, and what takes no ink: joiners, marks of direction, fillers. Spelt out, since dialects of
# regular expressions disagree on what `\s` stands for.
_BLANKS: Final = (
    r"\x20\xa0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f"
    r"\u202a-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
)
# What can be seen comes after what cannot, so that no text takes longer than it is long.
_WORDS: Final = rf"[{_CONTROLS}{_BLANKS}]*[^\x00{_CONTROLS}{_BLANKS}][^\x00]*"
_LINE: Final = rf"[{_BLANKS}]*[^\x00{_CONTROLS}{_BLANKS}][^\x00{_CONTROLS}]*"


@dataclass(frozen=True, slots=True)
class TextRule:
    """An annotation of a text: the pattern it has to match, and what to say if it does not.

    The JSON schema shows the pattern; who breaks the rule reads the message instead.
    """

    code: str
    pattern: str
    message: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Judge the text after all else that is asked of it."""
        return core_schema.no_info_after_validator_function(self._judged, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Show the pattern beside what else is asked of the text."""
        return {**handler(schema), "pattern": self.pattern}

    def _judged(self, text: str) -> str:
        if re.fullmatch(self.pattern, text) is None:
            raise PydanticCustomError(self.code, "{rule}", {"rule": self.message})
        return text


WORDS: Final = TextRule("nothing_to_see", f"^{_WORDS}$", "Write something that can be seen.")
WORDS_OR_NOTHING: Final = TextRule(
    "nothing_to_see",
    f"^({_WORDS})?$",
    "Write something that can be seen, or leave it out.",
)
LINE: Final = TextRule(
    "not_a_line",
    f"^{_LINE}$",
    "It is one line of text, without control characters, in which something can be seen.",
)

RFC3339_FORM: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_DAY_FORM: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _written(
    form: re.Pattern[str], parsed: type[date], code: str, message: str
) -> Callable[[object], object]:
    """Let pass what is written in a form, and what code has made a date of before."""

    def judged(value: object) -> object:
        if isinstance(value, parsed) or (isinstance(value, str) and form.fullmatch(value)):
            return value
        raise PydanticCustomError(code, "{rule}", {"rule": message})

    return judged


# Left to itself, pydantic takes numbers as well, for seconds since 1970.
DAY_FORM: Final = BeforeValidator(
    _written(_DAY_FORM, date, "date_form", "A day is written like 2026-03-31.")
)
MOMENT_FORM: Final = BeforeValidator(
    _written(
        RFC3339_FORM,
        datetime,
        "datetime_form",
        "A moment is written with its zone, like 2026-03-31T09:00:00Z.",
    )
)

Reason = Annotated[str, Field(min_length=1, max_length=2_000), WORDS]


class Body(BaseModel):
    """Base of request bodies: a misspelt field is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    reason: Annotated[Reason | None, Field(description="Why; kept in the history.")] = None


class EmptyBody(Body):
    """A change that takes nothing but a reason."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "As agreed in the review on Monday."}]}
    )


NO_REASON: Final = EmptyBody()
