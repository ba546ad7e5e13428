"""The node tests of ONNX's backend suite by la.functional; those left out are listed, each with its reason.

So are the suite's models of one layer or two that were made by PyTorch, where convolutions have groups, dilation and
three axes.
"""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx.backend.test import loader  # noqa: E402
from onnx_adaptors import OPERATORS  # noqa: E402
from onnx_calls import called  # noqa: E402


def load(kind: str) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the suite's own arithmetic
        return {case.name[len("test_") :]: case for case in loader.load_model_tests(kind=kind)}


def model_of(case: Any) -> Any:
    return case.model if case.model is not None else onnx.load(f"{case.model_dir}/model.onnx")


def data_of(case: Any) -> list[tuple[list[np.ndarray], list[np.ndarray]]]:
    """Inputs and outputs: those that come with the case, or those of its folder."""
    if case.data_sets is not None:
        return case.data_sets

    def numbered(folder: Path, what: str) -> list[np.ndarray]:
        files = sorted(folder.glob(f"{what}_*.pb"), key=lambda file: int(file.stem.rpartition("_")[2]))
        return [onnx.numpy_helper.to_array(onnx.load_tensor(str(file))) for file in files]

    folders = sorted(Path(case.model_dir).glob("test_data_set_*"))
    assert folders
    return [(numbered(folder, "input"), numbered(folder, "output")) for folder in folders]


NODES = load("node")
MODELS = {**load("pytorch-converted"), **load("pytorch-operator")}
OPERATORS_OF, OPERATORS_OF_MODEL = (
    {name: [node.op_type for node in model_of(case).graph.node] for name, case in cases.items()}
    for cases in (NODES, MODELS)
)

#: Tests of operators that we have which ask for what we do not have: why, and which.
LEFT_OUT = {
    "our look-up does not change scores or shares of keys on the way": """
        flexattention_score_mod flexattention_prob_mod flexattention_causal_mask flexattention_soft_cap
        flexattention_relative_positional
    """,
    "our look-up has no mask: every query sees all keys": """
        attention_4d_causal attention_4d_gqa_causal attention_4d_diff_heads_sizes_causal
        attention_4d_attn_mask attention_4d_attn_mask_3d attention_4d_attn_mask_3d_causal
        attention_4d_attn_mask_4d attention_4d_attn_mask_4d_causal attention_4d_attn_mask_bool
        attention_4d_attn_mask_bool_4d attention_4d_gqa_attn_mask attention_4d_diff_heads_sizes_attn_mask
        attention_3d_causal attention_3d_gqa_causal attention_3d_diff_heads_sizes_causal
        attention_3d_attn_mask attention_3d_gqa_attn_mask attention_3d_diff_heads_sizes_attn_mask
        attention_4d_diff_heads_mask4d_padded_kv attention_4d_causal_bf16 attention_4d_causal_fp16
        attention_4d_padded_kv_bf16 attention_4d_causal_padded_kv_bf16 attention_4d_attn_mask_causal_bf16
        attention_3d_causal_bf16 attention_4d_gqa_causal_nonpad_decode
        attention_4d_gqa_causal_nonpad_decode_fp16 attention_4d_causal_nonpad_continued_prefill
        attention_causal_boolmask_nan_robustness attention_23_boolmask_fullymasked_row_nan_robustness
        attention_4d_causal_nonpad_negative_offset_structural_empty
        attention_4d_causal_nonpad_attn_mask_composition attention_4d_causal_nonpad_batch_prefill
        attention_local_window attention_bidirectional_window attention_local_window_rank1_boolean_mask
        attention_local_window_ext_cache_rank3_head_mask attention_local_window_ext_cache_rank4_batch_mask
        attention_local_window_ext_cache_rank2_mask attention_local_window_ext_cache_float16_mask
        attention_3d_local_window
    """,
    "past keys and values come with a mask": """
        attention_4d_with_past_and_present attention_4d_gqa_with_past_and_present
        attention_4d_gqa_with_past_and_present_fp16 attention_4d_diff_heads_with_past_and_present
        attention_4d_diff_heads_with_past_and_present_mask3d
        attention_4d_diff_heads_with_past_and_present_mask4d
        attention_4d_with_past_and_present_qk_matmul_bias
        attention_4d_with_past_and_present_qk_matmul_bias_3d_mask
        attention_4d_with_past_and_present_qk_matmul_bias_4d_mask
        attention_4d_with_past_and_present_qk_matmul_bias_3d_mask_causal
        attention_4d_with_past_and_present_qk_matmul_bias_4d_mask_causal
        attention_4d_with_past_and_present_qk_matmul attention_3d_with_past_and_present
        attention_3d_gqa_with_past_and_present attention_3d_diff_heads_with_past_and_present
        attention_3d_with_past_and_present_qk_matmul attention_3d_with_past_and_present_qk_matmul_bias
        attention_3d_with_past_and_present_qk_matmul_softmax attention_4d_causal_with_past_and_present
        attention_local_window_with_past
    """,
    "our look-up does not bend scores (softcap)": """
        attention_4d_softcap attention_4d_gqa_softcap attention_4d_diff_heads_sizes_softcap
        attention_3d_softcap attention_3d_gqa_softcap attention_3d_diff_heads_sizes_softcap
        attention_3d_with_past_and_present_qk_matmul_softcap attention_4d_softcap_neginf_mask
        attention_4d_softcap_neginf_mask_poison
    """,
    "our look-up does not yield its scores": """
        attention_4d_with_qk_matmul attention_4d_with_qk_matmul_bias attention_4d_with_qk_matmul_softcap
        attention_4d_with_qk_matmul_softmax attention_23_fullymasked_qk_matmul_output_mode3_zero
        attention_24_fullymasked_qk_matmul_output_mode3_zero
        attention_24_qk_matmul_output_mode3_softmax_precision attention_local_window_gqa_rank4_mask
    """,
    "crops only: what it pads, too": """
        center_crop_pad_pad center_crop_pad_crop_and_pad center_crop_pad_crop_axes_hwc
        center_crop_pad_crop_negative_axes_hwc center_crop_pad_crop_axes_chw
    """,
    "drops out at random: other random numbers, with which the suite expects no agreement": """
        training_dropout_default training_dropout_default_mask training_dropout training_dropout_mask
    """,
    "the approximation by tanh; ours is the exact function": """
        gelu_tanh_1 gelu_tanh_2
    """,
    "no numbers at all: networks want extents of 1 or more": """
        reshape_allowzero_reordered slice_start_out_of_bounds split_zero_size_splits_opset13
        split_zero_size_splits_opset18
    """,
    "backwards and in steps: a crop has none": """
        slice_neg_steps
    """,
    "bicubic interpolation is no layer": """
        resize_upsample_scales_cubic resize_upsample_scales_cubic_align_corners
        resize_downsample_scales_cubic resize_downsample_scales_cubic_align_corners
        resize_upsample_sizes_cubic resize_downsample_sizes_cubic
        resize_upsample_scales_cubic_A_n0p5_exclude_outside
        resize_downsample_scales_cubic_A_n0p5_exclude_outside resize_upsample_scales_cubic_asymmetric
        resize_downsample_scales_cubic_antialias resize_downsample_sizes_cubic_antialias
    """,
    "smooths when it shrinks (antialias), as the layers do not": """
        resize_downsample_scales_linear_antialias resize_downsample_sizes_linear_antialias
    """,
    "interpolates in a part of the picture given by fractions of pixels": """
        resize_tf_crop_and_resize resize_tf_crop_and_resize_extrapolation_value
        resize_tf_crop_and_resize_axes_2_3 resize_tf_crop_and_resize_axes_3_2
    """,
    "other roundings of the nearest pixel than PyTorch's two": """
        resize_upsample_sizes_nearest_floor_align_corners
        resize_upsample_sizes_nearest_round_prefer_ceil_asymmetric
        resize_upsample_sizes_nearest_ceil_half_pixel
    """,
    "places pixels on a grid of a fractional number of them": """
        resize_downsample_scales_linear_align_corners resize_downsample_scales_linear_half_pixel_symmetric
        resize_upsample_scales_linear_half_pixel_symmetric
    """,
}

#: Operators of the suite that we do not have.
OTHER_OPERATORS = {
    "functions of numbers that are no layers": """
        Abs Acos Acosh Asin Asinh Atan Atanh Ceil Celu Clip Cos Cosh Erf Exp Floor HardSigmoid HardSwish
        Hardmax Log Mish Neg PRelu Reciprocal Round Selu Shrink Sign Sin Sinh Softplus Softsign Sqrt Tan
        ThresholdedRelu
    """,
    "of several arrays, other than sums and products": """
        Div Max Mean Min Mod Pow Sub SwiGLU
    """,
    "comparisons, truth values, bits": """
        And BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Equal Greater GreaterOrEqual IsInf IsNaN
        Less LessOrEqual Not Or Where Xor
    """,
    "types of numbers": """
        BitCast Cast CastLike
    """,
    "quantized arithmetic": """
        DequantizeLinear DynamicQuantizeLinear QLinearConv QLinearMatMul QuantizeLinear
    """,
    "sums, extrema and ranks along axes": """
        ArgMax ArgMin CumProd CumSum ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean
        ReduceMin ReduceProd ReduceSum ReduceSumSquare TopK Unique
    """,
    "arrangement that NumPy has and no layer needs": """
        Col2Im Compress Constant ConstantOfShape DepthToSpace Expand EyeLike GatherElements GatherND
        Identity NonZero OneHot Pad Range ReverseSequence Scatter ScatterElements ScatterND Shape Size
        SpaceToDepth Squeeze TensorScatter Tile Trilu Unsqueeze
    """,
    "linear algebra and transforms": """
        AffineGrid BlackmanWindow DFT Det Einsum HammingWindow HannWindow MelWeightMatrix STFT
    """,
    "layers that we do not have": """
        DeformConv GRU GridSample LSTM LinearAttention LpNormalization NonMaxSuppression RMSNormalization
        RNN RoiAlign RotaryEmbedding
    """,
    "random numbers": """
        Bernoulli
    """,
    "optimizers, which are no operators here": """
        Adagrad Adam Momentum
    """,
    "control flow, sequences, options": """
        If Loop OptionalGetElement OptionalHasElement Scan SequenceInsert SequenceMap SplitToSequence
    """,
    "text, files of pictures, trees": """
        ArrayFeatureExtractor Binarizer ImageDecoder LabelEncoder RegexFullMatch StringConcat
        StringNormalizer StringSplit TfIdfVectorizer TreeEnsemble
    """,
}


def listed(groups: dict[str, str]) -> list[str]:
    return [name for names in groups.values() for name in names.split()]


LEFT = set(listed(LEFT_OUT))
RUN = [
    name
    for name, nodes in OPERATORS_OF.items()
    if nodes[0] in OPERATORS and len(nodes) == 1 and name not in LEFT
]


def run(node: Any, values: dict[str, np.ndarray]) -> None:
    """Run one node by our function on values by name, and add what it yields."""
    attributes = {given.name: onnx.helper.get_attribute_value(given) for given in node.attribute}
    if node.op_type == "Split":
        attributes.setdefault("num_outputs", len(node.output))
    adaptor, ours = OPERATORS[node.op_type]
    called.clear()
    results = adaptor(attributes, [values[name] if name else None for name in node.input])
    assert called.intersection(ours.split())
    assert len(results) >= len(node.output)
    values.update(zip(node.output, results))


#: Where the suite's own tolerance, 1e-3, is needed, as it is for half floats; elsewhere a tenth of it will do.
WRITTEN_WITH_FEW_DIGITS = {"test_averagepool_2d_ceil_last_window_starts_on_pad"}


def check(case: Any) -> None:
    """Compare with what the suite expects; more outputs than a test asks for are not looked at."""
    model = model_of(case)
    for inputs, outputs in data_of(case):
        fixed = {given.name: onnx.numpy_helper.to_array(given) for given in model.graph.initializer}
        free = [given.name for given in model.graph.input if given.name not in fixed]
        values = {**fixed, **dict(zip(free, inputs))}
        for node in model.graph.node:
            run(node, values)
        for given, wanted in zip(model.graph.output, outputs):
            found = values[given.name]
            assert found.dtype == wanted.dtype
            assert found.shape == wanted.shape
            few_digits = wanted.dtype == np.float16 or case.name in WRITTEN_WITH_FEW_DIGITS
            tolerance = case.rtol if few_digits else case.rtol / 10
            np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=case.atol)


@pytest.mark.parametrize("name", RUN)
def test_node(name):
    check(NODES[name])


MODELS_LEFT_OUT = {"operator_permute2": "six axes"}


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, nodes in OPERATORS_OF_MODEL.items()
        if set(nodes) <= OPERATORS.keys() and name not in MODELS_LEFT_OUT
    ],
)
def test_model_made_by_pytorch(name):
    check(MODELS[name])


def test_what_is_left_out_is_listed():
    """Every test of the suite is run, or one of: a function's body, of an operator not ours, listed by name."""
    assert max(Counter(listed(LEFT_OUT)).values()) == 1
    assert max(Counter(listed(OTHER_OPERATORS)).values()) == 1
    bodies = {name for name, nodes in OPERATORS_OF.items() if len(nodes) > 1}
    assert all("_expanded" in name for name in bodies), "a graph that is no function's body"
    single = {name: nodes[0] for name, nodes in OPERATORS_OF.items() if name not in bodies}
    assert {operator for operator in single.values() if operator not in OPERATORS} == set(
        listed(OTHER_OPERATORS)
    )
    assert {name for name, operator in single.items() if operator in OPERATORS} == {*RUN, *LEFT}
    of_models = {operator for nodes in OPERATORS_OF_MODEL.values() for operator in nodes}
    assert of_models <= OPERATORS.keys() | set(listed(OTHER_OPERATORS))
    assert all(set(OPERATORS_OF_MODEL[name]) <= OPERATORS.keys() for name in MODELS_LEFT_OUT)


@pytest.mark.parametrize(
    "operator",
    [
        *("Conv", "ConvTranspose", "Gemm", "BatchNormalization", "LRN", "Softmax"),
        *("MaxPool", "AveragePool", "LpPool", "GlobalMaxPool", "GlobalAveragePool", "MaxUnpool"),
    ],
)
def test_nothing_is_left_out_of_the_layers_of_vision(operator):
    with_it = {name for name, nodes in OPERATORS_OF.items() if nodes == [operator]}
    assert with_it
    assert with_it <= set(RUN)
