"""What goes wrong in a build, told to the user."""


class BuildError(Exception):
    """Says what, where, and what to do."""
