"""A net's outputs for many rows: how a torch net labels a table, block by block, on the CPU or a GPU."""

from __future__ import annotations

import torch
from torch import nn

from compress.training._table import fits_on

__all__ = ["outputs_of"]

BLOCK_ROWS = 1 << 16  # bounds the memory of hidden layers; enough to keep a GPU busy


def outputs_of(module: nn.Module, blocks: tuple[torch.Tensor, ...], *, block_rows: int = BLOCK_ROWS) -> torch.Tensor:
    """What a net in eval mode answers for rows on the host, computed where the net is.

    On a GPU nothing waits for a block: answers stay on the device until the last one when they fit there, so that the
    device works while the host hands the next rows over.

    Parameters
    ----------
    module : torch module
        The net; its mode is as before afterwards.
    blocks : tuple of tensors with the same number of rows
        The arguments of its forward pass.
    block_rows : int, default=65536
        The number of rows at a time.

    Returns
    -------
    tensor on the CPU, of shape (n_rows, ...), in the dtype of the net's outputs

    Examples
    --------
    >>> outputs_of(nn.Linear(3, 2), (torch.ones(5, 3),)).shape
    torch.Size([5, 2])
    """
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    n_rows = len(blocks[0])
    training, answers, keep = module.training, [], False
    module.eval()
    try:
        with torch.no_grad():
            for start in range(0, max(n_rows, 1), block_rows):
                rows = (block[start : start + block_rows].to(device, non_blocking=True) for block in blocks)
                answer = module(*rows)
                if start == 0:
                    one = answer[:1].numel() * answer.element_size()
                    keep = fits_on(device, 2 * one * n_rows)
                answers.append(answer if keep else answer.cpu())
    finally:
        module.train(training)
    return torch.cat(answers).cpu()
