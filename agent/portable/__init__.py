"""A campaign as one file: what it holds, what it leaves behind, and what is believed of a stranger's."""

from .exporting import Exported, export_campaign
from .format import PortableError
from .importing import Imported, import_campaign

__all__ = ["Exported", "Imported", "PortableError", "export_campaign", "import_campaign"]
