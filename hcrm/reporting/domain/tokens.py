"""What a token for figures can be for."""

from typing import Final

REPORTS: Final = ("followup", "revisits", "satisfaction")
