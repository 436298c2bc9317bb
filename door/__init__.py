"""The command line around tasks.py: the only part of the project that knows Invoke, and what makes .venv."""
