"""What adapters of losses share: losses that combine real and fake logits one by one before the mean."""

from collections.abc import Callable
from typing import Any

from detrace import NotOffered


def of_one_size(loss: Callable[..., Any]) -> Callable[..., Any]:
    """The loss of flattened batches; NotOffered, which leaves the example out, where they are not of one size."""

    def of(real: Any, fake: Any, *numbers: Any) -> Any:
        if real.numel() != fake.numel():
            raise NotOffered("batches of one size")
        return loss(real.reshape(-1), fake.reshape(-1), *numbers)

    return of
