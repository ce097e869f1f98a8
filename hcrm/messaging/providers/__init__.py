"""Ways to send text messages: what each must do, and one module per vendor."""
