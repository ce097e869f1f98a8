"""A stateful stand-in for Twilio's messages, for tests and trials: it fails in all the ways that the real one can.

It speaks the REST of the real library, signs callbacks as Twilio does, and keeps a ledger on disk of what each phone
would really have got. It listens on this machine only and imports nothing of the program but the clock.
"""

from hcrm.fake_twilio.behaviour import Behaviour, Dice
from hcrm.fake_twilio.callbacks import plan
from hcrm.fake_twilio.ledger import Entry, Ledger, read_ledger
from hcrm.fake_twilio.server import FakeTwilio

__all__ = ["Behaviour", "Dice", "Entry", "FakeTwilio", "Ledger", "plan", "read_ledger"]
