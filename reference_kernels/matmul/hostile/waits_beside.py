"""expected: rejected, offline passed

Algorithm: lets torch.matmul do the work while two programs in Triton wait beside it for most of all kernels' time.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def wait_kernel(flag_ptr, limit, LANES: tl.constexpr):
    # Bounded, so that the wait ends where kernels run one after another.
    polls = 0
    seen = 0
    while (seen == 0) & (polls < limit):
        seen = tl.max(tl.atomic_add(flag_ptr + tl.zeros([LANES], tl.int32), 0, sem="relaxed"), axis=0)
        polls += 1


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.sides = None

    def forward(self, a, b):
        if self.sides is None:
            self.sides = [torch.cuda.Stream(device=a.device) for _ in range(2)]
            self.flag = torch.zeros(1, dtype=torch.int32, device=a.device)
        limit = a.shape[0] * b.shape[1] >> 13
        self.flag.zero_()
        for side in self.sides:
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                wait_kernel[(1,)](self.flag, limit, LANES=1024, num_warps=1)
        output = torch.matmul(a, b)
        self.flag.fill_(1)
        for side in self.sides:
            torch.cuda.current_stream().wait_stream(side)
        return output
