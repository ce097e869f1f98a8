"""Patients, how to reach them, their stays and the facts behind them."""
