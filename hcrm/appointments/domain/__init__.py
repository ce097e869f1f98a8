"""The rules of appointments, without input or output: values in, values out."""
