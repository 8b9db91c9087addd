"""What the tables show of a result, per family: names of columns and their cells as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eval.benchmark import FamilyName
from fer.models.base import part_label

MISSING = "-"
RATES = {"accuracy": "accuracy", "uar": "UAR"}  # right answers by picture and by class: scores and their short titles
Result = Mapping[str, Any]


def percent(value: float | None) -> str:
    """A share in percent with one decimal."""
    return MISSING if value is None else f"{100 * value:.1f}"


def plain(value: float | None, digits: int = 3) -> str:
    """A number with its decimals."""
    return MISSING if value is None else f"{value:.{digits}f}"


def percents(score: Mapping[str, float | None]) -> str:
    """A share with its interval."""
    if score["value"] is None:
        return MISSING
    return f"{percent(score['value'])} [{percent(score['low'])}, {percent(score['high'])}]"


def interval(score: Mapping[str, float | None], digits: int = 3) -> str:
    """A number with its interval."""
    if score["value"] is None:
        return MISSING
    return f"{plain(score['value'], digits)} [{plain(score['low'], digits)}, {plain(score['high'], digits)}]"


def _n(result: Result) -> str:
    counts = result["counts"]
    return f"{counts['n_scored']:,}" + (f" ({counts['n_no_face']} no face)" if counts["n_no_face"] else "")


def _of_found(result: Result) -> str:
    """The accuracy on the faces that were found, where some were missed: a missed face is wrong in the accuracy."""
    if not result["counts"]["n_no_face"]:
        return ""
    return f" ({percent(result['scores']['accuracy_detected']['value'])} of the faces found)"


def _recognition(result: Result) -> dict[str, str]:
    scores = result["scores"]
    return {
        "n": _n(result),
        "accuracy % [95 % CI]": percents(scores["accuracy"]) + _of_found(result),
        "UAR %": percent(scores["uar"]["value"]),
        "macro-F1 %": percent(scores["macro_f1"]["value"]),
        "ECE": plain(scores["ece"]["value"]),
        "NLL": plain(scores["nll"]["value"]),
        "ms/face": plain(result["ms_per_face"]["p50"], 1),
    }


def agreement(result: Result) -> dict[str, str]:
    """How a result of recognition that knows the votes agrees with them."""
    cells = {"KL from the votes, nats [95 % CI]": interval(result["scores"]["vote_kl"])}
    for share, found in result["agreement"].items():
        cells[f"{share} agree: accuracy % [95 % CI] (n)"] = f"{percents(found['accuracy'])} ({found['n']:,})"
    return cells


def peak_memory(result: Result) -> int | None:
    """The peak of the process that the model worked in, in MB: ours, or a peer's own; None where it is not told."""
    peer = result["model"].get("peer")
    found: int | None = peer["peak_memory_mb"] if peer else result.get("peak_memory_mb")
    return found


def machine(result: Result) -> dict[str, str]:
    """On how much of a machine a result was measured."""
    threads, memory = result.get("environment", {}).get("threads"), peak_memory(result)
    return {
        "threads": MISSING if threads is None else str(threads),
        "peak memory MB": MISSING if memory is None else f"{memory:,}",
    }


def _kept(scores: Mapping[str, Mapping[str, float | None]]) -> str:
    """Cosine with the input, and the share of faces above the limit."""
    cosine, kept = scores["identity_cosine"]["value"], scores["identity_kept"]["value"]
    return plain(cosine, 2) + ("" if kept is None else f" ({percent(kept)})")


def _neutralisation(result: Result) -> dict[str, str]:
    scores = result["scores"]
    value = {name: score["value"] for name, score in scores.items()}
    return {
        "n": _n(result),
        "mouth L1 / input's [95 % CI]": interval(scores["mouth_l1_ratio"]),
        "face L1 / input's [95 % CI]": interval(scores["face_l1_ratio"]),
        "PSNR dB (input)": f"{plain(value['psnr'], 1)} ({plain(value['psnr_input'], 1)})",
        "SSIM (input)": f"{plain(value['ssim'])} ({plain(value['ssim_input'])})",
        "mouth nearer %": percent(value["closer"]),
        "judged neutral % (input, truth)": (
            f"{percent(value['judged_neutral'])} "
            f"({percent(value['judged_neutral_input'])}, {percent(value['judged_neutral_truth'])})"
        ),
        "identity cosine (kept %)": _kept(scores),
        "neutral in, L1": plain(value["neutral_l1"], 4),
        "landmarks % of eye distance": plain(value["landmark_error"], 2),
        "ms/face": plain(result["ms_per_face"]["p50"], 1),
    }


def _verification(result: Result) -> dict[str, str]:
    scores, counts = result["scores"], result["counts"]
    return {
        "n": _n(result),
        "pairs same / different": f"{counts['n_positive_pairs']:,} / {counts['n_negative_pairs']:,}",
        "AUC [95 % CI]": interval(scores["auc"]),
        "EER % [95 % CI]": percents(scores["eer"]),
        "true accepts % at 1 % false [95 % CI]": percents(scores["tar_at_1_percent_far"]),
        "ms/face": plain(result["ms_per_face"]["p50"], 1),
    }


def _faithfulness(result: Result) -> dict[str, str]:
    scores = result["scores"]
    cells = {"n": _n(result)}
    for game, arrow in (("deletion", "low"), ("insertion", "high")):
        cells[f"{game} area ({arrow} is good)"] = plain(scores[f"{game}_residue"]["value"])
        for other, name in (
            ("grad_cam", "Grad-CAM"),
            ("gradient", "gradient"),
            ("contrast", "contrast"),
            ("random", "chance"),
        ):
            cells[f"{game}: residue less {name} [95 % CI]"] = interval(scores[f"{game}_residue_minus_{other}"])
    return cells


def _editing(result: Result) -> dict[str, str]:
    scores, judging = result["scores"], result["judges"]
    value = {name: score["value"] for name, score in scores.items()}
    cells = {"n": _n(result)}
    for role, start in (("recognizer", ""), ("second_recognizer", "second_")):
        others = f"{percent(value[f'{start}top_input'])}, {percent(value[f'{start}top_truth'])}"
        cells[f"target by {judging[role]['name']} % [95 % CI] (input, truth)"] = (
            f"{percents(scores[f'{start}top'])} ({others})"
        )
    return cells | {
        "identity cosine (kept %)": _kept(scores),
        "face L1 / input's [95 % CI]": interval(scores["face_l1_ratio"]),
        "SSIM (input)": f"{plain(value['ssim'])} ({plain(value['ssim_input'])})",
        "own expression, L1": plain(value["own_l1"], 4),
        "KID [95 % CI]": interval(scores["kid"]),
        "ms/face": plain(result["ms_per_face"]["p50"], 1),
    }


def _leakage(result: Result) -> dict[str, str]:
    scores, chance, counts = result["scores"], result["chance"], result["counts"]
    cells = {"n": _n(result)}
    for name, wish in (("expression", "high is good"), ("identity", "chance is good")):
        cells[f"{name} read % [95 % CI] ({wish})"] = percents(scores[name])
        cells[f"{name}: chance, 32 px luminance, features of plain"] = ", ".join(
            [percent(chance[name]), *(percent(scores[f"{name}{end}"]["value"]) for end in ("_pixels", "_plain"))]
        )
    return cells | {
        "people / of these with identity tested": f"{counts['n_people']:,} / {counts['n_identity_classes']:,}",
        "ms/face": plain(result["ms_per_face"]["p50"], 1),
    }


def _robustness(result: Result) -> dict[str, str]:
    scores = result["scores"]
    cells = {
        "n": _n(result),
        "clean % [95 % CI]": percents(scores["accuracy"]),
        "damaged % [95 % CI]": percents(scores["corrupted_accuracy"]),
        "relative drop % [95 % CI]": percents(scores["relative_drop"]),
    }
    for name, found in result["by_corruption"].items():
        cells[f"{name.replace('_', ' ')} %"] = percent(found["mean"]["value"])
    return cells


def _parts(result: Result) -> dict[str, str]:
    parts = sorted(result["by_part"].items(), key=lambda part: -part[1]["value"])
    return {
        "n": _n(result),
        "all parts % [95 % CI]": percents(result["scores"]["fusion"]),
        "each part alone % (short of all by [95 % CI])": ", ".join(
            f"{part_label(name)} {percent(found['value'])} ({percents(found['short'])})" for name, found in parts
        ),
    }


def _action_units(result: Result) -> dict[str, str]:
    scores = result["scores"]
    return {
        "n": _n(result),
        "ICC(3,1) [95 % CI]": interval(scores["icc"]),
        "ICC(3,1) of those shown": interval(scores["icc_shown"]),
        "MAE": plain(scores["mae"]["value"]),
        "raised % [95 % CI]": percents(scores["raised"]),
        "mean rise [95 % CI]": interval(scores["rise"]),
        "rank correlation [95 % CI]": interval(scores["rank_correlation"]),
        "ms/face": plain(result["ms_per_face"]["p50"], 1),
    }


def _action_unit_editing(result: Result) -> dict[str, str]:
    scores, judging = result["scores"], result["judges"]
    value = {name: score["value"] for name, score in scores.items()}
    shown = f"{plain(value['au_icc_shown_input'])}, {plain(value['au_icc_shown_truth'])}"
    tops = f"{percent(value['top_input'])}, {percent(value['top_truth'])}"
    return {
        "n": _n(result),
        f"AU MSE by {judging['unit_reader']['name']} [95 % CI] (input, truth)": (
            f"{interval(scores['au_mse'], 4)} ({plain(value['au_mse_input'], 4)}, {plain(value['au_mse_truth'], 4)})"
        ),
        "ICC(3,1) of those shown [95 % CI] (input, truth)": f"{interval(scores['au_icc_shown'])} ({shown})",
        "error removed by moving alone %": percents(scores["motion_share"]),
        "one AU reached %": percents(scores["single_reached"]),
        "raised % (truth)": f"{percents(scores['raised'])} ({percent(value['raised_truth'])})",
        "face L1 / input's [95 % CI] (moved)": (
            f"{interval(scores['face_l1_ratio'])} ({plain(value['face_l1_ratio_moved'])})"
        ),
        "mouth L1 / input's (moved)": f"{plain(value['mouth_l1_ratio'])} ({plain(value['mouth_l1_ratio_moved'])})",
        "SSIM (input, moved)": f"{plain(value['ssim'])} ({plain(value['ssim_input'])}, {plain(value['ssim_moved'])})",
        "flow error px (no flow)": f"{plain(value['flow_error'], 2)} ({plain(value['flow_error_input'], 2)})",
        "folding %": MISSING if value["folding"] is None else f"{100 * value['folding']:.2f}",
        "identity cosine (kept %)": _kept(scores),
        f"expression by {judging['recognizer']['name']} % (input, truth)": f"{percent(value['top'])} ({tops})",
        "asked for none, L1 (largest)": f"{plain(value['own_l1'], 4)} ({plain(value['own_largest'], 3)})",
        "ms/face": plain(result["ms_per_face"]["p50"], 1),
    }


COLUMNS = {
    FamilyName.RECOGNITION: _recognition,
    FamilyName.NEUTRALISATION: _neutralisation,
    FamilyName.VERIFICATION: _verification,
    FamilyName.FAITHFULNESS: _faithfulness,
    FamilyName.EDITING: _editing,
    FamilyName.LEAKAGE: _leakage,
    FamilyName.ROBUSTNESS: _robustness,
    FamilyName.PARTS: _parts,
    FamilyName.ACTION_UNITS: _action_units,
    FamilyName.ACTION_UNIT_EDITING: _action_unit_editing,
}
BEST = {  # the score that orders rows, and whether more is better
    FamilyName.RECOGNITION: ("accuracy", True),
    FamilyName.NEUTRALISATION: ("mouth_l1_ratio", False),
    FamilyName.VERIFICATION: ("auc", True),
    FamilyName.FAITHFULNESS: ("deletion_residue", False),
    FamilyName.EDITING: ("second_top", True),
    FamilyName.LEAKAGE: ("expression", True),
    FamilyName.ROBUSTNESS: ("corrupted_accuracy", True),
    FamilyName.PARTS: ("fusion", True),
    FamilyName.ACTION_UNITS: ("icc", True),
    FamilyName.ACTION_UNIT_EDITING: ("au_mse", False),
}
EMPTY = {
    FamilyName.RECOGNITION: "No results yet. Run: python -m eval run plain majority",
    FamilyName.NEUTRALISATION: "No results yet. Run: python -m eval run input mean_neutral pixels",
}
