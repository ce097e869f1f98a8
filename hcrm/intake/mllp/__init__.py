"""The listener for HL7 v2 over MLLP: many connections, messages committed in groups, acknowledged after the commit."""

from hcrm.intake.mllp.frames import END, START, FrameReader
from hcrm.intake.mllp.group import GroupWriter
from hcrm.intake.mllp.listener import Limits, Listener

__all__ = ["END", "START", "FrameReader", "GroupWriter", "Limits", "Listener"]
