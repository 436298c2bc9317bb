"""The commands run, undo and redo, and how each ends. Imports every other room."""
