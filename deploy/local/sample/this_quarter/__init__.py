"""What the sample company wants in the current quarter, theme by theme."""

from typing import Final

from deploy.local.sample.this_quarter import growth, offices, quality, sales, shop

OBJECTIVES: Final = (
    *growth.OBJECTIVES,
    *shop.OBJECTIVES,
    *sales.OBJECTIVES,
    *quality.OBJECTIVES,
    *offices.OBJECTIVES,
)
