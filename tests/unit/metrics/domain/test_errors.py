"""Every refusal says what happened, and what is allowed instead."""

import pytest

from services.metrics.domain.errors import (
    DefinitionUnknownError,
    KpiExistsError,
    KpiUnknownError,
    MetricsError,
)


@pytest.mark.parametrize(
    ("error", "says", "extensions"),
    [
        (KpiUnknownError("a.b"), "no KPI a.b", {}),
        (KpiExistsError("a.b"), "a.b is defined", {"kpi": "a.b"}),
        (DefinitionUnknownError("a.b", 3), "no definition 3", {}),
    ],
)
def test_a_refusal_speaks_to_people_and_to_programs(
    error: MetricsError, says: str, extensions: dict[str, object]
) -> None:
    assert error.extensions == extensions
    with pytest.raises(MetricsError, match=says):
        raise error
