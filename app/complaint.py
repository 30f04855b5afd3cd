"""What a person can mend, told in one line."""


class Complaint(Exception):
    """The command ends with this message and status 1, without a traceback."""
