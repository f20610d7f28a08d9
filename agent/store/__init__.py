"""The store: every campaign, attempt and text in one SQLite file."""

from .errors import CampaignHeld, StoreError
from .store import Store

__all__ = ["CampaignHeld", "Store", "StoreError"]
