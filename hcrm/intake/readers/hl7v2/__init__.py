"""Reads HL7 v2: bytes to messages, messages to what they say about stays and patients. Knows no database."""

from hcrm.intake.readers.hl7v2.decoding import decode
from hcrm.intake.readers.hl7v2.incoming import Incoming, read_message
from hcrm.intake.readers.hl7v2.mapping import Action, Instruction, instruction_of
from hcrm.intake.readers.hl7v2.reading import Reading
from hcrm.intake.readers.hl7v2.segments import Message, MessageRefused, parse
from hcrm.intake.readers.hl7v2.splitting import RawMessage, is_hl7, split_messages

__all__ = [
    "Action",
    "Incoming",
    "Instruction",
    "Message",
    "MessageRefused",
    "RawMessage",
    "Reading",
    "decode",
    "instruction_of",
    "is_hl7",
    "parse",
    "read_message",
    "split_messages",
]
