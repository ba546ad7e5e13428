"""Networks: ResNet-18 and 50, AlexNet, U-Net, Zhang's colorization, Iizuka's completion, beside four inference engines.

Batches of 1 and 8 pictures on two threads: what a user gets who calls each with NumPy's or PyTorch's arrays. All have
the same weights and inputs; `error` is the largest difference from PyTorch in double precision, relative to the largest
output. `load` is the time from a file to a network that is ready, packing of weights included (ours packs in its first
run, which counts). bench/_duel.py says how it is measured.
"""

# needs: rivals

from __future__ import annotations

from typing import Any

import _duel

EXTENTS = {
    "ResNet-18": [(3, 224)],
    "ResNet-50": [(3, 224)],
    "AlexNet": [(3, 224)],
    "U-Net 256": [(3, 256)],
    "U-Net 512": [(3, 512)],
    "Zhang 256": [(1, 256)],
    "Iizuka 256": [(3, 256), (1, 256)],
}
#: Runs of many seconds that say nothing new.
LEFT_OUT = {
    (
        "U-Net 512",
        8,
    ): "U-Net 512, batch 8 is left out: four times the work of U-Net 256, batch 8, and nothing new"
}


def cases() -> list[dict[str, Any]]:
    """All networks with all batches."""
    return [
        {
            "name": f"{network}, batch {batch}",
            "kind": "network",
            "network": network,
            "batch": batch,
            "shapes": [(batch, channels, extent, extent) for channels, extent in inputs],
            "onnx": True,
            "ncnn": True,
        }
        for network, inputs in EXTENTS.items()
        for batch in (1, 8)
        if (network, batch) not in LEFT_OUT
    ]


def main() -> None:
    """Compare."""
    given = _duel.parser(__doc__, threads=2).parse_args()
    _duel.settle(given)
    chosen = _duel.chosen(cases(), given, quick=("ResNet-18, batch 1", "AlexNet, batch 1"))
    results = _duel.run(chosen, given, one_process=False)
    _duel.print_cases(results)
    for why in LEFT_OUT.values():
        print(f"- {why}")
    _duel.print_summary("network", results, given)


if __name__ == "__main__":
    main()
