import dataclasses
import json

import numpy as np
import pytest

from dmic import config
from dmic.config import ConfigError, from_json, preset, to_json, with_overrides


@pytest.mark.parametrize("name", config.PRESETS)
def test_a_preset_has_its_name_and_survives_json(name):
    chosen = preset(name)
    assert chosen.name == name
    assert from_json(to_json(chosen)) == chosen
    assert json.loads(to_json(chosen))["training"]["epochs"] == chosen.training.epochs


def test_the_paper_values_are_the_defaults():
    c = preset("sysu-mm01")
    table = c.clustering
    assert (table.k1, table.eps_large, table.eps_small) == (40, 0.6, 0.3)
    assert (table.k2_start, table.k2_end, table.k2_joint, table.min_samples) == (6, 18, 32, 4)
    assert (c.loss.tau, c.loss.instance_weight, c.loss.instance_weight_intra, c.loss.cluster_weight) == (
        0.05,
        0.1,
        0.1,
        1,
    )
    assert (c.loss.memory_update, c.loss.joint_update, c.training.epochs) == ("random", "summed", 50)
    assert (c.training.identities_per_batch, c.training.images_per_identity) == (4, 16)
    assert (c.data.height, c.data.width, c.backbone.name, c.backbone.last_stride) == (288, 144, "resnet50", 1)


def test_regdb_has_its_own_column_of_the_table():
    table = preset("regdb").clustering
    assert (table.k1, table.eps_large, table.eps_small) == (38, 0.3, 0.2)
    assert (table.k2_start, table.k2_end, table.k2_joint) == (6, 12, 18)
    assert preset("regdb").training.iterations == 100


def test_presets_differ_from_the_defaults_exactly_where_they_say():
    for name, changed in config.PRESETS.items():
        chosen, default = dataclasses.asdict(preset(name)), dataclasses.asdict(config.Config())
        for section, fields in default.items():
            if section == "name":
                continue
            for field, value in fields.items():
                expected = changed.get(f"{section}.{field}", value)
                assert chosen[section][field] == expected, f"{name}: {section}.{field}"


def test_an_unknown_preset_is_answered_with_the_list():
    with pytest.raises(ConfigError, match="'market'.*toy.*sysu-mm01"):
        preset("market")


def test_overrides_change_a_copy():
    before = preset("toy")
    after = with_overrides(
        before, {"training.epochs": 3, "loss.memory_update": "momentum", "clustering.k1_visible": None}
    )
    assert (after.training.epochs, after.loss.memory_update, after.clustering.k1_visible) == (
        3,
        "momentum",
        None,
    )
    assert before == preset("toy")
    assert after.training.iterations == before.training.iterations


def test_an_integer_passes_for_a_float_and_becomes_one():
    changed = with_overrides(preset("toy"), {"loss.cluster_weight": 2, "training.learning_rate_phase2": 1})
    assert type(changed.loss.cluster_weight) is float and changed.loss.cluster_weight == 2.0
    assert type(changed.training.learning_rate_phase2) is float


FLOATS = [
    f"{section}.{field.name}"
    for section, of in vars(config.Config()).items()
    if section != "name"
    for field in dataclasses.fields(of)
    if "float" in field.type or field.type in ("Share", "Fraction", "Weight")
]


@pytest.mark.parametrize("name", FLOATS)
def test_every_float_is_finite(name):
    assert len(FLOATS) >= 18
    for value in (float("inf"), -float("inf"), float("nan")):
        with pytest.raises(ConfigError, match=rf"{name} is {value}; expected a finite number"):
            with_overrides(preset("toy"), {name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("clustering.eps_large", np.float64(0.52)),
        ("clustering.k1", np.int64(50)),
        ("backbone.non_local", np.bool_(True)),
        ("backbone.name", np.str_("resnet18")),
        ("loss.memory_update", np.str_("momentum")),
        ("training.learning_rate_phase2", np.int32(1)),
    ],
)
def test_numpy_scalars_pass_for_python_values(name, value):
    section, _, field = name.partition(".")
    found = getattr(getattr(with_overrides(preset("toy"), {name: value}), section), field)
    assert found == value and type(found).__module__ == "builtins"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.array([0.5, 0.6]), "eps_large is array.*ndarray.; expected float"),
        (np.bool_(True), "eps_large is True .bool.; expected float"),
        (np.float64("nan"), "eps_large is nan; expected a finite number"),
        (np.float32(1.5), "eps_large is 1.5; expected 1e-06 to 1"),
    ],
)
def test_numpy_values_are_checked_as_strictly(value, message):
    with pytest.raises(ConfigError, match=message):
        with_overrides(preset("toy"), {"clustering.eps_large": value})


def test_a_seed_of_more_than_32_bits_would_repeat_the_draws_of_a_small_one():
    """Which is why it is refused: `EpochTrainer` seeds an epoch by (seed, phase, epoch)."""
    large, small = (np.random.SeedSequence(words).generate_state(3) for words in ([2**32, 1, 0], [0, 1, 1]))
    assert large.tolist() == small.tolist()
    with pytest.raises(ConfigError, match="training.seed is 4294967296; expected 0 to 4294967295"):
        with_overrides(preset("toy"), {"training.seed": 2**32})


# Which checkpoints stay


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("all", "all"),
        ("latest", "latest"),
        ([5, 3, 5], (3, 5)),
        ((4,), (4,)),
        ([], ()),
        ([np.int64(2), 1], (1, 2)),
    ],
)
def test_checkpoints_that_stay_are_a_word_or_sorted_epochs_and_survive_json(value, kept):
    chosen = with_overrides(preset("toy"), {"training.keep": value})
    assert chosen.training.keep == kept
    assert from_json(to_json(chosen)) == chosen
    assert hash(from_json(to_json(chosen))) == hash(chosen)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("newest", "training.keep is 'newest' .str.; expected one of 'latest', 'all' or a list"),
        (3, "training.keep is 3 .int.; expected one of 'latest', 'all' or a list"),
        (None, "training.keep is None"),
        ([0], "an entry of training.keep is 0; expected 1 or more"),
        ([2.5], "an entry of training.keep is 2.5 .float.; expected int"),
        (["3"], "an entry of training.keep is '3'"),
        ([3, 101], "training.keep names epoch 101, training.epochs is 50; need 1 to 100"),
    ],
)
def test_unusable_epochs_to_keep_are_named(value, message):
    with pytest.raises(ConfigError, match=message):
        with_overrides(preset("sysu-mm01"), {"training.keep": value})


def test_a_configuration_stored_before_keep_was_a_field_loads():
    stored = json.loads(to_json(preset("regdb")))
    del stored["training"]["keep"]
    assert from_json(json.dumps(stored)) == preset("regdb")


def test_nothing_can_be_written_into_a_configuration():
    with pytest.raises(dataclasses.FrozenInstanceError):
        preset("toy").training.epochs = 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("epochs", r"unknown field 'epochs'; did you mean training.epochs\? The sections are data, backbone"),
        ("trainer.epochs", r"'trainer.epochs'; did you mean training.epochs\?"),
        ("training.epoch", r"unknown field of training: 'epoch'; did you mean epochs.*iterations.*seed"),
        ("nothing", "unknown field 'nothing'; write section.field.*clustering, loss, training"),
        ("name", "unknown field 'name'; did you mean backbone.name"),
        ("training.epochs.x", "unknown field of training: 'epochs.x'"),
    ],
)
def test_an_unknown_override_is_named(name, message):
    with pytest.raises(ConfigError, match=message):
        with_overrides(preset("toy"), {name: 3})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("training.epochs", "3", r"training.epochs is '3' \(str\); expected int"),
        ("training.epochs", 3.0, r"training.epochs is 3.0 \(float\); expected int"),
        ("training.epochs", True, r"training.epochs is True \(bool\); expected int"),
        ("training.learning_rate", "fast", "training.learning_rate is 'fast'.*expected float"),
        ("training.learning_rate", None, "training.learning_rate is None.*expected float"),
        ("training.learning_rate_phase2", "x", "learning_rate_phase2.*expected float or NoneType"),
        ("clustering.k1_visible", 2.5, "clustering.k1_visible is 2.5.*expected int or NoneType"),
        ("backbone.non_local", 1, "backbone.non_local is 1.*expected bool"),
        (
            "loss.memory_update",
            "mean",
            "loss.memory_update is 'mean' .str.; expected one of 'random', 'momentum'",
        ),
        ("clustering.expansion_joint", "both", "expansion_joint.*'modality_camera'"),
    ],
)
def test_an_ill_typed_override_is_named_with_what_was_expected(name, value, message):
    with pytest.raises(ConfigError, match=message):
        with_overrides(preset("toy"), {name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("clustering.eps_small", 0.0),
        ("clustering.eps_small", 0.9),  # larger than eps_large
        ("clustering.eps_large", 1.1),
        ("clustering.eps_large", float("nan")),
        ("clustering.eps_joint_offset", 1.5),
        ("clustering.eps_span_offset", -1),
        ("clustering.min_samples", 0),
        ("clustering.k1", 1),
        ("clustering.k1_visible", 1),
        ("clustering.k1_infrared", 0),
        ("clustering.k2_start", 0),
        ("clustering.k2_start", 19),  # larger than k2_end
        ("clustering.k2_joint", 41),  # larger than k1
        ("clustering.k2_infrared_scale", 3.0),  # 3 x 18 is larger than k1
        ("clustering.k1_visible", 17),  # smaller than k2_end
        ("clustering.k1_infrared", 17),
        ("clustering.k2_joint", 0),
        ("clustering.k2_infrared_scale", 0.0),
        ("backbone.last_stride", 3),
        ("backbone.gem_p", 0.0),
        ("training.epochs", 0),
        ("training.iterations", 0),
        ("training.identities_per_batch", 1),
        ("training.images_per_identity", 0),
        ("training.learning_rate", 0.0),
        ("training.learning_rate", float("nan")),
        ("training.learning_rate_phase2", -1.0),
        ("training.weight_decay", -1e-3),
        ("training.decay_every", 0),
        ("training.decay_factor", 0.0),
        ("training.warmup_iterations", -1),
        ("training.embed_batch", 0),
        ("training.seed", -1),
        ("training.seed", 2**70),
        ("data.height", 10**9),
        ("data.width", 4097),
        ("data.pad", 10**9),
        pytest.param("loss.tau", 10**400, id="an integer beyond floats"),
        ("loss.tau", 0.0),
        ("loss.momentum", 1.0),
        ("loss.momentum", -0.1),
        ("loss.instance_weight", -1.0),
        ("loss.joint_weight", -1.0),
        ("data.height", 16),
        ("data.width", 16),
        ("data.pad", -1),
        ("data.flip_probability", 1.5),
        ("data.erasing_probability", -0.5),
        ("data.gray_probability", 2.0),
    ],
)
def test_a_value_out_of_range_is_named(name, value):
    with pytest.raises(ConfigError, match=rf"{name.split('.')[1]} (is|\d+; need).*{value}.*(expected|need)"):
        with_overrides(preset("sysu-mm01"), {name: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": {"colour": 1}}, "unknown field of data: 'colour'; there are: height, width"),
        ({"nonsense": {"colour": 1}}, "entry 'nonsense'; the sections are data, backbone"),
        ({"seed": 3}, "entry 'seed'"),
        ({"training": 5}, "entry 'training'.*each an object"),
        ({"name": 5}, "expected a JSON object with a name"),
        ({"training": {"epochs": "3"}}, "training.epochs is '3'"),
    ],
)
def test_json_with_an_unknown_or_ill_formed_entry_is_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        from_json(json.dumps(change))


def test_json_must_be_an_object():
    with pytest.raises(ConfigError, match="expected a JSON object"):
        from_json("[1]")


@pytest.mark.parametrize("text", ["", "toy", "{", None, b"\xff", "9" * 5000, "[" * 100_000])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(ConfigError, match="expected (JSON|a JSON object)"):
        from_json(text)


def test_json_may_leave_fields_out():
    assert from_json('{"name": "mine", "training": {"epochs": 2}}') == with_overrides(
        config.Config(name="mine"), {"training.epochs": 2}
    )
