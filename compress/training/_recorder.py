"""Recording work of a GPU for replay, and noticing what cannot be recorded: the only place that knows CUDA graphs."""

from __future__ import annotations

import contextlib
import logging
import warnings

import torch

__all__ = ["CaptureError", "CudaRecorder", "recorder_for"]

logger = logging.getLogger(__name__)

# Graphs whose capture failed: torch's allocators may go on asking them whether a stream is theirs, so none is freed.
_FAILED: list = []
WAITS = "called a synchronizing CUDA operation"  # torch's warning under `set_sync_debug_mode("warn")`


class CaptureError(RuntimeError):
    """Work that could not be recorded."""


def recorder_for(device: torch.device):
    """What records the steps of a device; None where there is nothing to gain."""
    return CudaRecorder(device) if device.type == "cuda" else None


class CudaRecorder:
    """Records work of one stream as CUDA graphs.

    Everything runs on a stream of its own, eager steps too: gradients are accumulated on the stream on which they
    were accumulated first, and the default stream cannot be recorded.

    Parameters
    ----------
    device : torch.device with an index
    """

    def __init__(self, device: torch.device):
        self.device = device
        self._stream = torch.cuda.Stream(device)

    @contextlib.contextmanager
    def place(self):
        """Work of the block runs on the recorder's stream, after what was begun before, before what comes after."""
        current = torch.cuda.current_stream(self.device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            try:
                yield
            finally:
                current.wait_stream(self._stream)

    @contextlib.contextmanager
    def watch(self):
        """A list that, after the block, names the operations in it that waited for the device."""
        waits = []
        before = torch.cuda.get_sync_debug_mode()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                yield waits
            finally:
                torch.cuda.set_sync_debug_mode(before)
        for warning in caught:
            text = str(warning.message)
            if WAITS in text:
                waits.append(f"{warning.filename}, line {warning.lineno}")
            elif "Synchronization debug mode" not in text:  # somebody else's
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)

    def record(self, function) -> torch.cuda.CUDAGraph:
        """Record what `function()` does, without doing it; `replay()` of the result does it.

        Raises
        ------
        CaptureError
            It cannot be recorded. What it did on the host is done.
        """
        graph, pool = torch.cuda.CUDAGraph(), torch.cuda.graph_pool_handle()
        try:
            # other threads may go on using the device meanwhile
            with torch.cuda.graph(graph, pool=pool, stream=self._stream, capture_error_mode="thread_local"):
                function()
        except RuntimeError as error:
            _FAILED.append(graph)
            self._recover(pool)
            raise CaptureError(f"the capture failed: {str(error).strip().splitlines()[0]}") from error
        return graph

    def _recover(self, pool) -> None:
        """After a failed capture torch's memory and random stream believe that they are still being recorded."""
        with contextlib.suppress(RuntimeError):
            torch.cuda.synchronize(self.device)
        with contextlib.suppress(RuntimeError, AttributeError):
            torch._C._cuda_endAllocateToPool(self.device.index, pool)
        generator = torch.cuda.default_generators[self.device.index]
        fresh = torch.Generator(self.device)
        fresh.manual_seed(generator.initial_seed())
        try:
            generator.graphsafe_set_state(fresh.graphsafe_get_state())
        except (RuntimeError, AttributeError) as error:
            logger.debug("the random stream of %s could not be renewed: %s", self.device, error)
