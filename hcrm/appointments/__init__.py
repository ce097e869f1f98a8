"""Return visits: sessions of clinics, slots, booking, reminders, the waiting list."""
