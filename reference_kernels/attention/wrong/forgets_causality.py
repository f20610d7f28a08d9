"""expected: incorrect

Visits all keys and masks none of those behind the query.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def attention_kernel(
    q_ptr,
    k_ptr,
    v_ptr,
    output_ptr,
    length,
    scale,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    HEAD_DIM: tl.constexpr,
):
    block = tl.program_id(axis=0)
    head = tl.program_id(axis=1).to(tl.int64) * length * HEAD_DIM
    lanes = tl.arange(0, HEAD_DIM)
    queries = block * BLOCK_M + tl.arange(0, BLOCK_M)[:, None]
    q = tl.load(q_ptr + head + queries * HEAD_DIM + lanes[None, :], mask=queries < length, other=0.0)
    maximum = tl.full([BLOCK_M], float("-inf"), dtype=tl.float32)
    total = tl.zeros([BLOCK_M], dtype=tl.float32)
    output = tl.zeros([BLOCK_M, HEAD_DIM], dtype=tl.float32)
    for start in range(0, length, BLOCK_N):
        keys = start + tl.arange(0, BLOCK_N)
        here = keys < length
        k = tl.load(k_ptr + head + keys[None, :] * HEAD_DIM + lanes[:, None], mask=here[None, :], other=0.0)
        v = tl.load(v_ptr + head + keys[:, None] * HEAD_DIM + lanes[None, :], mask=here[:, None], other=0.0)
        scores = tl.dot(q, k) * scale
        scores = tl.where(here[None, :], scores, float("-inf"))
        larger = tl.maximum(maximum, tl.max(scores, axis=1))
        shrink = tl.exp(maximum - larger)
        weights = tl.exp(scores - larger[:, None])
        total = total * shrink + tl.sum(weights, axis=1)
        output = tl.dot(weights.to(tl.float16), v, output * shrink[:, None])
        maximum = larger
    output = (output / total[:, None]).to(tl.float16)
    tl.store(output_ptr + head + queries * HEAD_DIM + lanes[None, :], output, mask=queries < length)


def triton_attention(q, k, v):
    batch_size, heads, length, head_dim = q.shape
    output = torch.empty_like(q)
    grid = (triton.cdiv(length, 64), batch_size * heads)
    attention_kernel[grid](
        q, k, v, output, length, head_dim**-0.5, BLOCK_M=64, BLOCK_N=32, HEAD_DIM=head_dim, num_warps=4
    )
    return output


class ModelNew(nn.Module):
    def forward(self, q, k, v):
        return triton_attention(q, k, v)
