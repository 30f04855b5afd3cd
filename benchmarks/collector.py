"""The garbage collector's pace in the services that are measured beside the ledger."""

import gc


def spare() -> None:
    """Set the pace that the ledger sets: otherwise it would win for a reason of no interest."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
