"""Training: a step of ResNet-20, of a U-Net and of Iizuka's completion, beside PyTorch, eager and compiled.

A step is forward, loss, backward, and stochastic gradient descent with momentum and weight decay, on two threads.
Before anything is timed, the first step is made from the same weights and compared with PyTorch in double precision.
`error` is the larger of the loss's relative error and that of the whole change of all weights, by its length. It is
far above the rounding of a layer for everybody: a change is small beside the weight that stores it, and a rectifier
lets through what rounding makes positive. bench/_duel.py says how it is measured.
"""

# needs: rivals

from __future__ import annotations

from typing import Any

import _duel

#: Batch, inputs (channels, extent), loss, target.
STEPS = {
    "ResNet-20": (128, [(3, 32)], "cross_entropy", ("int64", [128])),
    "U-Net, width 32": (4, [(3, 128)], "cross_entropy", ("int64", [4, 128, 128])),
    "Iizuka, half width": (8, [(3, 64), (1, 64)], "mse", ("float32", [8, 3, 64, 64])),
}


def cases() -> list[dict[str, Any]]:
    """All steps."""
    return [
        {
            "name": f"{network}, batch {batch} at {inputs[0][1]}",
            "kind": "training",
            "network": network,
            "batch": batch,
            "shapes": [(batch, channels, extent, extent) for channels, extent in inputs],
            "loss": loss,
            "target_type": target[0],
            "target_shape": target[1],
            "rate": 0.05,
            "momentum": 0.9,
            "decay": 5e-4,
        }
        for network, (batch, inputs, loss, target) in STEPS.items()
    ]


def main() -> None:
    """Compare."""
    given = _duel.parser(__doc__, threads=2).parse_args()
    _duel.settle(given)
    given.names = [name for name in given.names if name.startswith((_duel.OURS, "torch"))]
    chosen = _duel.chosen(cases(), given, quick=("ResNet-20, batch 128 at 32",))
    results = _duel.run(chosen, given, one_process=False)
    _duel.print_cases(results)
    _duel.print_summary("training", results, given)


if __name__ == "__main__":
    main()
