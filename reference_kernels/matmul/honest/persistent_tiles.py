"""expected: passed

Control: starts one program for each place on the card, which loops over tiles and reads them through block pointers.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl

BLOCK_M = 64
BLOCK_N = 64
BLOCK_K = 32
PROGRAMS_PER_SM = 4


@triton.jit
def matmul_kernel(
    a_ptr, b_ptr, output_ptr, m, n, k, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr
):
    n_tiles = tl.cdiv(n, BLOCK_N)
    tiles = tl.cdiv(m, BLOCK_M) * n_tiles
    for tile in range(tl.program_id(axis=0), tiles, tl.num_programs(axis=0)):
        row = (tile // n_tiles) * BLOCK_M
        column = (tile % n_tiles) * BLOCK_N
        a_block = tl.make_block_ptr(a_ptr, (m, k), (k, 1), (row, 0), (BLOCK_M, BLOCK_K), (1, 0))
        b_block = tl.make_block_ptr(b_ptr, (k, n), (n, 1), (0, column), (BLOCK_K, BLOCK_N), (1, 0))
        product = tl.zeros([BLOCK_M, BLOCK_N], dtype=tl.float32)
        for _ in range(0, k, BLOCK_K):
            a = tl.load(a_block, boundary_check=(0, 1), padding_option="zero")
            b = tl.load(b_block, boundary_check=(0, 1), padding_option="zero")
            product = tl.dot(a, b, product, input_precision="ieee")
            a_block = tl.advance(a_block, (0, BLOCK_K))
            b_block = tl.advance(b_block, (BLOCK_K, 0))
        output_block = tl.make_block_ptr(
            output_ptr, (m, n), (n, 1), (row, column), (BLOCK_M, BLOCK_N), (1, 0)
        )
        tl.store(output_block, product, boundary_check=(0, 1))


class ModelNew(nn.Module):
    def forward(self, a, b):
        a, b = a.contiguous(), b.contiguous()
        m, k = a.shape
        n = b.shape[1]
        output = torch.empty((m, n), dtype=a.dtype, device=a.device)
        places = PROGRAMS_PER_SM * torch.cuda.get_device_properties(a.device).multi_processor_count
        tiles = triton.cdiv(m, BLOCK_M) * triton.cdiv(n, BLOCK_N)
        matmul_kernel[(min(places, tiles),)](
            a,
            b,
            output,
            m,
            n,
            k,
            BLOCK_M=BLOCK_M,
            BLOCK_N=BLOCK_N,
            BLOCK_K=BLOCK_K,
            num_warps=4,
            num_stages=3,
        )
        return output
