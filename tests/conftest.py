"""Shared by all tests."""

import torch

# Small nets on two cores: handing work to a second thread costs ten times what it gains.
torch.set_num_threads(1)
