"""Files as KernelBench's users write them: their sizes are module-level integers, large enough to be timed."""

_FILE = """import math
import torch
import torch.nn as nn
import torch.nn.functional as F

class Model(nn.Module):
    def __init__(self{arguments}):
        super().__init__()
        {build}
    def forward(self, {takes}):
        return {forward}

{constants}

def get_inputs():
    return [{inputs}]
def get_init_inputs():
    return [{init}]
"""


def file(
    constants: str, forward: str, inputs: str, build: str = "pass", init: str = "", takes: str = "x"
) -> str:
    """One file; the constructor's arguments are named a, b, c, …"""
    arguments = "".join(f", {name}" for name in "abcdef"[: init.count(",") + 1 if init else 0])
    return _FILE.format(
        constants=constants,
        forward=forward,
        inputs=inputs,
        build=build,
        init=init,
        takes=takes,
        arguments=arguments,
    )


ATTENTION = "; ".join(
    [
        "q, k, v = (part.view(*x.shape[:2], self.heads, -1).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))",
        "return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape)",
    ]
)

FILES = {
    "activation": file("batch_size = 16\ndim = 16384", "torch.relu(x)", "torch.randn(batch_size, dim)"),
    "softmax": file("batch_size = 2048\ndim = 5000", "x.softmax(1)", "torch.rand(batch_size, dim)"),
    "matmul": file(
        "M = 1024 * 2\nK = 4096\nN = 2**11", "a @ b", "torch.randn(M, K), torch.randn(K, N)", takes="a, b"
    ),
    "matmul in one line": file(
        "M, K, N = 1024, 4096, 2048", "a @ b", "torch.randn(M, K), torch.randn(K, N)", takes="a, b"
    ),
    "batched matmul": file(
        "batch_size, m, k, n = 128, 512, 1024, 2048",
        "torch.bmm(a, b)",
        "torch.randn(batch_size, m, k), torch.randn(batch_size, k, n)",
        takes="a, b",
    ),
    "layer norm with a derived tuple": file(
        "batch_size = 16\nfeatures = 64\ndim1 = 256\ndim2 = 256\nshape = (features, dim1, dim2)",
        "self.norm(x)",
        "torch.randn(batch_size, *shape)",
        "self.norm = nn.LayerNorm(a)",
        "shape",
    ),
    "layer norm with a tuple": file(
        "batch_size = 16\nnormalized_shape = (64, 256, 256)",
        "self.norm(x)",
        "torch.randn(batch_size, *normalized_shape)",
        "self.norm = nn.LayerNorm(a)",
        "normalized_shape",
    ),
    "a shape of one": file(
        "batch_size = 128\ninput_shape = (4096,)", "torch.sigmoid(x)", "torch.randn(batch_size, *input_shape)"
    ),
    "convolution": file(
        "batch_size = 16\nin_channels = 3\nout_channels = 64\nkernel_size = 3\nwidth = 256\nheight = 256",
        "self.conv(x)",
        "torch.randn(batch_size, in_channels, height, width)",
        "self.conv = nn.Conv2d(a, b, c)",
        "in_channels, out_channels, kernel_size",
    ),
    "grouped convolution": file(
        "batch_size = 16\nchannels = 96\nkernel_size = 5\nstride = 2\npadding = 1\ngroups = 8\nwidth = 256",
        "self.conv(x)",
        "torch.randn(batch_size, channels, width, width)",
        "self.conv = nn.Conv2d(a, a, b, c, d, groups=e)",
        "channels, kernel_size, stride, padding, groups",
    ),
    "group norm": file(
        "batch_size = 112\nfeatures = 512\nnum_groups = 8\ndim1 = 512\ndim2 = 512",
        "self.norm(x)",
        "torch.randn(batch_size, features, dim1, dim2)",
        "self.norm = nn.GroupNorm(b, a)",
        "features, num_groups",
    ),
    "attention": file(
        "batch_size = 32\nseq_len = 512\ndim = 768\nnum_heads = 12\nscale = (dim // num_heads) ** -0.5",
        "self.attend(x)",
        "torch.randn(batch_size, seq_len, dim)",
        f"self.heads, self.qkv = b, nn.Linear(a, 3 * a)\n    def attend(self, x):\n        {ATTENTION}",
        "dim, num_heads",
    ),
    "heads that multiply to the width": file(
        "batch = 8\nheads = 16\nhead_dim = 64\nwidth = 1024\nlength = 2048",
        "x.view(*x.shape[:2], self.heads, self.head_dim).softmax(-1)",
        "torch.randn(batch, length, width)",
        "self.heads, self.head_dim = a, b",
        "heads, head_dim",
    ),
    "a derived constant": file(
        "batch_size = 128\ndim = 1024\nhidden = 4 * dim",
        "self.down(F.gelu(self.up(x)))",
        "torch.randn(batch_size, dim)",
        "self.up, self.down = nn.Linear(a, b), nn.Linear(b, a)",
        "dim, hidden",
    ),
    "a loss": file(
        "batch_size = 32768\nnum_classes = 4096\ninput_shape = (num_classes,)",
        "F.cross_entropy(predictions, targets)",
        "torch.randn(batch_size, *input_shape), torch.randint(0, num_classes, (batch_size,))",
        takes="predictions, targets",
    ),
    "a reduction": file(
        "batch_size = 128\ndim1 = 4096\ndim2 = 4095\ndim = 1",
        "x.sum(self.dim)",
        "torch.randn(batch_size, dim1, dim2)",
        "self.dim = a",
        "dim",
    ),
    "one huge vector": file("n: int = 2**40", "x * torch.sigmoid(x)", "torch.randn(n)"),
    "equal by another name": file(
        "rows = 4096\nwidth = 2048\nfeatures = 2048",
        "self.norm(x)",
        "torch.randn(rows, width)",
        "self.norm = nn.LayerNorm(a)",
        "features",
    ),
    "small as it is": file("rows = 8\ncolumns = 64", "x.softmax(1)", "torch.randn(rows, columns)"),
    "literals": file("", "torch.relu(x)", "torch.randn(4096, 8192)"),
    "sizes in a dict": file(
        "sizes = {'rows': 4096, 'columns': 8192}",
        "torch.relu(x)",
        "torch.randn(sizes['rows'], sizes['columns'])",
    ),
    "an integer that is no size": file("axis = 1\neps = 1e-5", "x.softmax(axis)", "torch.randn(4096, 8192)"),
}
