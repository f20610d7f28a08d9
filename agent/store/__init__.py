"""The store: every campaign, attempt and text in one SQLite file."""

from .answers import Answers
from .errors import CampaignHeld, StoreError
from .following import Follower
from .store import Store

__all__ = ["Answers", "CampaignHeld", "Follower", "Store", "StoreError"]
