"""Files of starting weights: what is read, where a network's tensors are found in them, and what is said of all other files."""

import argparse
import re
import socket
from collections import OrderedDict
from pathlib import Path

import pytest
import timm
import torch
import torchvision
from huggingface_hub import constants
from safetensors.torch import save_file

from dmic.backbone import WeightsError, build
from dmic.config import BackboneConfig
from dmic.storage import weights
from dmic.storage.weights import check_connection, fit_weights, read_weights

TINY = "mobilenetv3_small_050"  # 1.6 million weights
MARKED = "bn1.weight"


def start(path, name=TINY):
    """Build a small network that starts from a file."""
    return build(BackboneConfig(name=name, weights=str(path), last_stride=2))


@pytest.fixture(scope="module")
def plain():
    """The state dict of a small network, as its author would save it."""
    torch.manual_seed(0)
    network = timm.create_model(TINY, pretrained=False)
    torch.nn.init.uniform_(network.bn1.weight)
    return network.state_dict()


def stem_scale(model):
    """The visible stem's copy of the marked tensor."""
    return model.stems[0][1].weight


# Files that are no state dict ------------------------------------------------------------------------------------------


def cut(path, share):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def html(path):
    path.write_text("\ufeff<!DOCTYPE html>\n<html><body>Große Datei: confirm the download</body></html>")


def lfs_pointer(path):
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n")


def cut_zip(path):
    torch.save({"conv1.weight": torch.zeros(100)}, path)
    cut(path, 0.7)


def cut_pickle(path):
    torch.save({"conv1.weight": torch.zeros(100)}, path, _use_new_zipfile_serialization=False)
    cut(path, 0.7)


def cut_safetensors(path):
    save_file({"conv1.weight": torch.zeros(100)}, path)
    cut(path, 0.7)


def broken_safetensors(path):
    save_file({"conv1.weight": torch.zeros(100)}, path)
    path.write_bytes(path.read_bytes().replace(b"F32", b"F33"))


def saver(content):
    return lambda path: torch.save(content, path)


NO_STATE_DICTS = {
    "page.pth": (html, "text that begins with '<!DOCTYPE html> <html>.*download the file itself"),
    "page.safetensors": (html, "text that begins with '<!DOCTYPE html>"),
    "pointer.pth": (lfs_pointer, "text that begins with 'version https://git-lfs"),
    "empty.pth": (Path.touch, "an empty file.*again"),
    "empty.safetensors": (Path.touch, "an empty file"),
    "zip.pth": (cut_zip, "a file of [0-9,]+ bytes that is cut, damaged or of another kind.*Compare its size"),
    "pickle.pth": (cut_pickle, "cut, damaged"),
    "cut.safetensors": (cut_safetensors, "cut, damaged"),
    "broken.safetensors": (broken_safetensors, "cut, damaged"),
    "objects.pth": (saver({"args": argparse.Namespace(lr=1)}), r"Python objects .*\(argparse.Namespace\)"),
    "network.pth": (saver(torch.nn.Linear(2, 2)), r"Python objects .*\(torch.nn.modules.linear.Linear\)"),
    "list.pth": (saver([torch.zeros(2)]), "a list without tensors by name"),
    "tensor.pth": (saver(torch.zeros(2)), "a Tensor without tensors by name"),
    "numbers.pth": (
        saver({"epoch": 3, "best": 0.5, "arch": "x", "d": {}}),
        r"a dict with the keys epoch, best, arch, \.\.\. without tensors",
    ),
    "folder.pth": (Path.mkdir, "a folder.*Name the file in it"),
}


@pytest.mark.parametrize("name", NO_STATE_DICTS)
def test_what_is_no_state_dict_is_named_with_what_it_holds(tmp_path, name):
    make, holds = NO_STATE_DICTS[name]
    make(tmp_path / name)
    with pytest.raises(WeightsError) as raised:
        start(tmp_path / name)
    said = str(raised.value)
    assert said.startswith(f"backbone.weights is {str(tmp_path / name)!r}: ")
    assert "expected a state dict as torch.save(network.state_dict(), ...) or safetensors writes it" in said
    assert re.search(holds, said), said
    assert "\n" not in said and "weights_only" not in said.partition("python -c")[0]


@pytest.mark.parametrize("kind", ["zip", "pickle", "safetensors"])
def test_a_file_cut_anywhere_is_refused_with_one_error(tmp_path, kind):
    whole, path = tmp_path / "whole", tmp_path / "cut"
    tensors = {"conv1.weight": torch.zeros(30), "bn1.weight": torch.zeros(30)}
    if kind == "safetensors":
        save_file(tensors, whole)
    else:
        torch.save(tensors, whole, _use_new_zipfile_serialization=kind == "zip")
    content = whole.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(WeightsError):
            read_weights(str(path))


def test_objects_are_never_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "sprung",)

    torch.save({"bn1.weight": torch.zeros(2), "trap": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(WeightsError, match="Loading them may run any code, so they are refused"):
        start(tmp_path / "trap.pth")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("whole_network", [False, True])
def test_the_command_of_the_message_saves_the_tensors_alone(tmp_path, plain, whole_network):
    network = timm.create_model(TINY, pretrained=False)
    network.load_state_dict(plain)
    content = {"teacher": {"backbone": plain}, "args": argparse.Namespace(lr=1), "epoch": 3}
    torch.save(network if whole_network else content, tmp_path / "from afar.pth")
    with pytest.raises(WeightsError) as raised:
        start(tmp_path / "from afar.pth")
    (program,) = re.findall(r'python -c "([^"]*)"$', str(raised.value))
    exec(program, {})
    assert torch.equal(stem_scale(start(tmp_path / "from afar-tensors.pth")), plain[MARKED])


def test_a_file_without_permission_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.pth").touch()

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(WeightsError, match=r"a.pth': cannot be read \(PermissionError.*Permission denied\)"):
        read_weights(str(tmp_path / "a.pth"))


# Files that are one -----------------------------------------------------------------------------------------------------


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path, monkeypatch, plain):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    torch.save(plain, tmp_path / "mine.pth")
    assert torch.equal(stem_scale(start("~/mine.pth")), plain[MARKED])
    with pytest.raises(WeightsError, match=re.escape(f"{str(tmp_path / 'other.pth')!r}: no such file")):
        start("~/other.pth")


def test_a_missing_file_says_from_where_relative_paths_start(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wanted = r"'imagenet', 'random' or a path \(relative ones start at "
    with pytest.raises(
        WeightsError, match=f"'a.pth': no such file; expected {wanted}{re.escape(str(tmp_path))}"
    ):
        start("a.pth")


def test_the_suffix_does_not_matter(tmp_path, plain):
    save_file(plain, tmp_path / "a.pth")
    torch.save(plain, tmp_path / "b.safetensors")
    for name in ("a.pth", "b.safetensors"):
        assert torch.equal(stem_scale(start(tmp_path / name)), plain[MARKED])


# Prefixes and wrappers. OWN is the state dict of a network of two layers -------------------------------------------------

SHAPES = {"conv1.weight": (4, 3, 1, 1), "bn1.weight": (4,), "bn1.running_mean": (4,)}
SHAPES |= {"layer1.0.conv1.weight": (4, 4, 1, 1), "layer1.0.bn1.weight": (4,)}
COUNTER, HEAD = "bn1.num_batches_tracked", "fc.weight"


def state(value):
    """A state dict of the network in which all entries have one value."""
    tensors = {name: torch.full(shape, float(value)) for name, shape in SHAPES.items()}
    return tensors | {COUNTER: torch.tensor(value), HEAD: torch.full((7, 4), float(value))}


def under(prefix, tensors):
    return {prefix + name: tensor for name, tensor in tensors.items()}


def fitted(tmp_path, content, save=torch.save):
    """What the network, whose own entries are zero, gets from a file."""
    save(content, tmp_path / "w.pth")
    own = state(0)
    found = fit_weights(own, read_weights(str(tmp_path / "w.pth")), name="resnet9", origin="w.pth")
    assert list(found) == list(own) and torch.equal(found[HEAD], own[HEAD])
    return found


def values(tensors):
    return {float(tensor.flatten()[0]) for name, tensor in tensors.items() if name != HEAD}


LAYOUTS = {
    "plain": state(1),
    "data parallel": under("module.", state(1)),
    "strong baseline": under("base.", state(1)),
    "fast-reid": {"model": under("backbone.", state(1)) | {"heads.weight": torch.ones(9, 4)}, "iteration": 9},
    "mmcls": {"meta": {"epoch": 9}, "state_dict": OrderedDict(under("backbone.", state(1)))},
    "SwAV": under("module.", state(1) | {"projection_head.0.weight": torch.ones(2, 4)}),
    "MoCo v3": {"epoch": 9, "state_dict": under("module.base_encoder.", state(1))},
    "DINO": {"teacher": under("backbone.", state(1)) | {"head.mlp.0.weight": torch.ones(3, 4)}},
    "CLIP": under("visual.", state(1)) | {"transformer.bn1.weight": torch.ones(4), "scale": torch.ones(())},
    "compiled": {"model_state_dict": under("_orig_mod.net.", state(1))},
    "nested": {"params": {"student": {"module": under("encoder_q.", state(1))}}},
    "trainer": {
        "net": state(1),
        "optimizer": {"state": {0: {"exp_avg": torch.ones(4)}}, "param_groups": [{"lr": 0.1}]},
    },
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_networks_tensors_are_found_under_any_common_prefix(tmp_path, layout):
    assert values(fitted(tmp_path, LAYOUTS[layout])) == {1}


TWINS = {
    "MoCo": (under("module.encoder_q.", state(1)), under("module.encoder_k.", state(2))),
    "MoCo v3": (under("base_encoder.", state(1)), under("momentum_encoder.", state(2))),
    "BYOL": (under("online_encoder.", state(1)), under("target_encoder.", state(2))),
    "DINO": (under("teacher.backbone.", state(1)), under("student.module.backbone.", state(2))),
    "timm": (under("state_dict.", state(1)), under("state_dict_ema.", state(2))),
}


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("save", [torch.save, save_file])
@pytest.mark.parametrize("layout", TWINS)
def test_of_two_copies_all_tensors_come_from_the_one_to_start_from(tmp_path, layout, save, order):
    first, second = TWINS[layout][::order]
    assert values(fitted(tmp_path, first | second, save)) == {1}


def test_two_halves_of_a_twin_are_not_joined(tmp_path):
    query, key = under("encoder_q.", state(1)), under("encoder_k.", state(2))
    del query["encoder_q.conv1.weight"], key["encoder_k.bn1.weight"]
    with pytest.raises(WeightsError, match=r"lacks or reshapes 1 of 5 tensors \(first: encoder_\w\."):
        fitted(tmp_path, query | key)


def test_the_twin_that_is_taken_is_logged(tmp_path, caplog):
    caplog.set_level("INFO")
    fitted(tmp_path, TWINS["MoCo"][0] | TWINS["MoCo"][1])
    assert "2 copies of resnet9" in caplog.text and "taken: 'module.encoder_q.'" in caplog.text


def test_counters_of_batches_may_be_missing(tmp_path):
    old = state(1)
    del old[COUNTER]
    assert values(fitted(tmp_path, under("module.", old))) == {0, 1}


def test_a_classifier_of_other_people_may_stand_in_the_file(tmp_path):
    assert values(fitted(tmp_path, state(1) | {HEAD: torch.ones(751, 4)})) == {1}


# Files of another network ---------------------------------------------------------------------------------------------


def test_a_misfit_is_told_by_three_names_of_each_side_and_the_first_wrong_shape(tmp_path):
    wide = state(1) | {"bn1.weight": torch.ones(8)}
    with pytest.raises(WeightsError) as raised:
        fitted(tmp_path, {"state_dict": under("module.", wide)})
    said = str(raised.value)
    assert said.startswith(
        "w.pth lacks or reshapes 1 of 5 tensors (first: state_dict.module.bn1.weight): (8,), expected (4,). "
    )
    theirs = (
        "state_dict.module.conv1.weight, state_dict.module.bn1.weight, state_dict.module.bn1.running_mean"
    )
    assert f"It holds {theirs}, ...; resnet9 has conv1.weight, bn1.weight, bn1.running_mean, ..." in said
    assert "another network? Try the backbone.name" in said


def test_the_weights_of_another_network_are_refused(tmp_path):
    torch.save(torchvision.models.resnet34(weights=None).state_dict(), tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=r"a.pth lacks or reshapes \d+ of 265 .*another network"):
        start(tmp_path / "a.pth", "resnet50")


def test_a_file_without_any_tensor_of_the_network_is_told_so(tmp_path):
    with pytest.raises(WeightsError, match=r"5 of 5 tensors \(first: conv1.weight\): absent.* holds a, b; r"):
        fitted(tmp_path, {"a": torch.ones(2), "b": torch.ones(3)})


def test_the_checkpoint_of_a_run_is_called_that(tmp_path):
    model = build(BackboneConfig(name=TINY, weights="random", last_stride=2))
    save_file(model.state_dict(), tmp_path / "checkpoint.safetensors")
    with pytest.raises(WeightsError) as raised:
        start(tmp_path / "checkpoint.safetensors")
    said = str(raised.value)
    assert re.search(r"checkpoint.safetensors is a checkpoint of a DMIC run \((body|stems)\.", said), said
    assert f"expected the state dict of a plain {TINY} (conv_stem.weight, bn1.weight, bn1.bias, ...)" in said
    assert "To continue that run" in said and "another network" not in said


# Without network ------------------------------------------------------------------------------------------------------


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """A machine without network, proxies and cached weights; libraries that were asked all the same are listed."""
    asked = []

    def no_names(*args, **kwargs):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    def reporting(function):
        def ask(*args, **kwargs):
            if kwargs.get("weights") or kwargs.get("pretrained"):
                asked.append(function.__name__)
                kwargs |= {"weights": None} if "weights" in kwargs else {"pretrained": False}
            return function(*args, **kwargs)

        return ask

    monkeypatch.setattr(socket, "getaddrinfo", no_names)
    monkeypatch.setattr(weights, "getproxies", dict)
    monkeypatch.setattr(weights, "_PATIENCE", 0.05)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torchvision.models, "resnet18", reporting(torchvision.models.resnet18))
    monkeypatch.setattr(timm, "create_model", reporting(timm.create_model))
    return asked


CACHED = {
    "resnet18": "torch/hub/checkpoints/resnet18-f37072fd.pth",
    "resnext50_32x4d": "hub/models--timm--resnext50_32x4d.a1h_in1k",
}
COMMANDS = {
    "resnet18": "import torchvision; torchvision.models.resnet18(weights='IMAGENET1K_V1')",
    "resnext50_32x4d": "import timm; timm.create_model('resnext50_32x4d', pretrained=True)",
}


@pytest.mark.parametrize("name", CACHED)
def test_without_network_the_libraries_are_not_asked_and_the_way_round_is_told(offline, tmp_path, name):
    with pytest.raises(WeightsError, match="ConnectionError: no answer from .* within 0.05 s") as raised:
        start("imagenet", name)
    assert not offline
    assert f'fetch them once on a machine with network, python -c "{COMMANDS[name]}"' in str(raised.value)
    assert str(raised.value).endswith(f"to this one's: {tmp_path / CACHED[name]}")


@pytest.mark.parametrize("name", CACHED)
def test_cached_weights_need_no_connection(offline, tmp_path, name):
    file = tmp_path / CACHED[name]
    file = file if file.suffix == ".pth" else file / "snapshots" / "4d7a" / "model.safetensors"
    file.parent.mkdir(parents=True)
    file.touch()
    start("imagenet", name)
    assert len(offline) == 1


def test_behind_a_proxy_the_libraries_decide(offline, monkeypatch):
    monkeypatch.setattr(weights, "getproxies", lambda: {"https": "http://proxy:3128"})
    start("imagenet", "resnet18")
    assert len(offline) == 1


def test_a_failed_download_says_what_to_do(monkeypatch):
    def fail(*args, **kwargs):
        if kwargs.get("weights") is not None:
            raise OSError("the server is on fire")
        return original(*args, **kwargs)

    original = torchvision.models.resnet18
    monkeypatch.setattr(torchvision.models, "resnet18", fail)
    monkeypatch.setattr("dmic.backbone.check_connection", lambda url: None)
    ways = "path of a .pth file.*efficientnet_lite0.*fetch them once"
    with pytest.raises(WeightsError, match=f"OSError: the server is on fire.*{ways}"):
        start("imagenet", "resnet18")


def test_a_host_that_answers_passes_and_one_that_does_not_is_named(monkeypatch):
    monkeypatch.setattr(weights, "getproxies", dict)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        check_connection(f"http://127.0.0.1:{port}/file.pth")
    monkeypatch.setattr(weights, "_PATIENCE", 0.05)
    with pytest.raises(ConnectionError, match=r"no answer from 127\.0\.0\.1 within 0\.05 s"):
        check_connection(f"http://127.0.0.1:{port}/file.pth")


def test_a_network_without_published_weights_is_told_so():
    name = next(name for name in timm.list_models("vovnet*") if not timm.is_model_pretrained(name))
    with pytest.raises(
        WeightsError, match=f"timm has no ImageNet weights of {name}; set backbone.weights to"
    ):
        start("imagenet", name)
