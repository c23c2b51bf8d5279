"""Where training runs: its device, torch's random stream, threads, precision of products."""

from __future__ import annotations

import contextlib
import logging

import torch

__all__ = ["isolated_rng", "matmul_precision", "resolve_device", "single_thread"]

logger = logging.getLogger(__name__)


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """The device to train on, checked.

    Parameters
    ----------
    device : str or torch.device, default="auto"
        "auto" takes the current CUDA device where there is one that works, else the CPU. "cuda" is the current
        CUDA device, "cuda:1" the second one, "cpu" the processor.

    Returns
    -------
    torch.device
        A GPU always comes with its index.

    Raises
    ------
    ValueError
        No such device, or one that cannot be used: the message says what was found. Apple's MPS has no float64, in
        which the input layer takes its differences, so it is refused.

    Examples
    --------
    >>> from compress.training import resolve_device
    >>> resolve_device("cpu")
    device(type='cpu')
    """
    if isinstance(device, str) and device == "auto":
        problem = _cuda_problem(None)
        if problem is None:
            return torch.device("cuda", torch.cuda.current_device())
        logger.debug("device='auto' is the CPU: %s", problem)
        return torch.device("cpu")
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(_refused(device, f"{_first_line(error)}")) from error
    if found.type == "cuda":
        problem = _cuda_problem(found.index)
        if problem is not None:
            raise ValueError(_refused(device, problem))
        return torch.device("cuda", torch.cuda.current_device() if found.index is None else found.index)
    if found.type == "mps":
        raise ValueError(_refused(device, "Apple's MPS has no float64, in which the input layer takes its differences"))
    if found.type == "meta":
        raise ValueError(_refused(device, "tensors on 'meta' hold no numbers"))
    try:
        torch.empty(0, device=found, dtype=torch.float64)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise ValueError(_refused(device, _first_line(error))) from error
    return found


def _refused(device, found: str) -> str:
    return (
        f"device must be 'auto' or a device torch can use here, got {str(device)!r}: {found.rstrip('.')}. "
        "Use device='cpu', or device='auto', which takes a GPU only where one works."
    )


def _cuda_problem(index: int | None) -> str | None:
    """Why the CUDA device of that number (None: the current one) cannot be used; None where it can."""
    if not torch.backends.cuda.is_built():
        return f"this torch ({torch.__version__}) is built without CUDA"
    try:
        torch.cuda.init()  # says what is wrong where `is_available` would only say no
    except (RuntimeError, AssertionError) as error:
        return f"CUDA does not start with torch {torch.__version__}: {_first_line(error)}"
    count = torch.cuda.device_count()
    if count == 0:
        return "this machine has no CUDA device that this process may see (CUDA_VISIBLE_DEVICES may hide them)"
    if index is not None and index >= count:
        names = ", ".join(f"cuda:{k} ({torch.cuda.get_device_name(k)})" for k in range(count))
        return f"there is no such index; this process sees {count} CUDA device{'s' * (count > 1)}: {names}"
    index = torch.cuda.current_device() if index is None else index
    try:
        # a card that this build of torch has no code for shows itself at the first kernel only
        torch.zeros(1, device=torch.device("cuda", index), dtype=torch.float64).add_(1)
    except RuntimeError as error:
        name = torch.cuda.get_device_name(index)
        return f"cuda:{index} ({name}) cannot run torch {torch.__version__}'s code: {_first_line(error)}"
    return None


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]


@contextlib.contextmanager
def isolated_rng(seed: int, device: torch.device | None = None):
    """Seed torch inside the block only: initial weights and dropout repeat, the caller's stream goes on.

    Parameters
    ----------
    seed : int
        The seed of torch's random stream on the CPU, and of that of the device.
    device : torch.device, optional
        A CUDA device whose stream is seeded, too.

    Examples
    --------
    >>> import torch
    >>> from compress.training import isolated_rng
    >>> with isolated_rng(0):
    ...     one = torch.rand(1)
    ...
    >>> with isolated_rng(0):
    ...     print(bool(torch.rand(1) == one))
    ...
    True
    """
    devices = [device] if device is not None and device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.random.default_generator.manual_seed(seed)
        for one in devices:
            with torch.cuda.device(one):
                torch.cuda.manual_seed(seed)
        yield


@contextlib.contextmanager
def single_thread(active: bool = True):
    """One torch thread inside the block: small nets lose more to handing work out than they gain.

    Parameters
    ----------
    active : bool, default=True
        False leaves the number of threads as it is.

    Examples
    --------
    >>> import torch
    >>> from compress.training import single_thread
    >>> with single_thread():
    ...     print(torch.get_num_threads())
    ...
    1
    """
    before = torch.get_num_threads()
    if active:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def matmul_precision(precision: str):
    """Float32 matrix products in "highest" (float32), "high" (tf32) or "medium" precision inside the block only.

    It matters on GPUs with tf32 units. Training leaves torch's setting as it finds it.

    Parameters
    ----------
    precision : {"highest", "high", "medium"}
        The precision, as in `torch.set_float32_matmul_precision`.

    Examples
    --------
    >>> import torch
    >>> from compress.training import matmul_precision
    >>> with matmul_precision("high"):
    ...     print(torch.get_float32_matmul_precision())
    ...
    high
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
