"""What the operator decides, typed. Only the command line, the application and the composition root may read it."""

from service.settings.groups import ApiKeySetting
from service.settings.load import load_settings
from service.settings.model import Role, Settings
from service.settings.table import settings_table

__all__ = ["ApiKeySetting", "Role", "Settings", "load_settings", "settings_table"]
