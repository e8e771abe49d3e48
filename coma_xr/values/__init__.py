"""Any object as a plain tree, which files hold, and back."""
