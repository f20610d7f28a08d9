"""The store: every campaign, attempt and text in one SQLite file."""

from .errors import CampaignHeld, StoreError
from .following import Follower
from .store import Store

__all__ = ["CampaignHeld", "Follower", "Store", "StoreError"]
