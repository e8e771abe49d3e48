"""Plain trees as text, and back."""
