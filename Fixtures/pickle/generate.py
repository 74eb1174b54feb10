"""Writes the files of this folder: small dictionaries of tensors as torch.save leaves them (seen with torch 2.13).

`expected.tsv` has a line for each tensor, as torch loads it again: file, name, type, shape, whether it lies in order and
without gaps, and its bytes in row-major order.
"""

from collections import OrderedDict
from pathlib import Path

import torch

HERE = Path(__file__).parent


def ramp(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    count = torch.Size(shape).numel()
    return (torch.arange(count, dtype=torch.float32) - 2).reshape(shape).to(dtype)


def write(name: str, tensors: dict[str, torch.Tensor], protocol: int = 2, **options) -> None:
    torch.save(tensors, HERE / name, pickle_protocol=protocol, **options)
    # Not weights_only: that knows protocol 2 alone.
    for key, value in torch.load(HERE / name, weights_only=False).items():
        fields = [name, key, str(value.dtype).removeprefix("torch."), ",".join(map(str, value.shape))]
        data = value.detach().clone(memory_format=torch.contiguous_format).untyped_storage()
        lines.append("\t".join(fields + ["dense" if value.is_contiguous() else "strided", bytes(data.tolist()).hex()]))


lines: list[str] = []
prefix = "base_model.model.model.layers.0.self_attn.q_proj."
adapter = {prefix + "lora_A.weight": ramp(2, 6), prefix + "lora_B.weight": ramp(4, 2)}
for protocol in (2, 4):
    write(f"adapter-{protocol}.bin", adapter, protocol)

names = "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool complex64".split()
names += "uint16 uint64 float8_e4m3fn float8_e5m2".split()
types = {name: ramp(3, dtype=getattr(torch, name)) for name in names if not name.startswith("u")}
types |= {name: ramp(3).abs().to(getattr(torch, name)) for name in names if name.startswith("u")}
write("types.bin", types, 4)

whole = ramp(4, 6)
views = OrderedDict(
    whole=whole,
    transposed=whole.t(),
    rows=whole[1:3],
    columns=whole[:, 1:5:2],
    permuted=ramp(2, 3, 4).permute(2, 0, 1),
    expanded=torch.tensor([1.0, 2.0]).expand(3, 2),
    scalar=torch.tensor(7.5),
    empty=torch.zeros(0, 4),
    parameter=torch.nn.Parameter(ramp(2)),
    number=torch.ones(1, 3).t()[1:2],
)
write("views.bin", views)

torch.manual_seed(0)
write("module.bin", torch.nn.Linear(2, 2).state_dict())
torch.save(adapter, HERE / "legacy.bin", _use_new_zipfile_serialization=False)
torch.save({"r": 8, "weight": ramp(2)}, HERE / "mixed.bin")
(HERE / "expected.tsv").write_text("".join(line + "\n" for line in lines))
