"""One module per family of tasks: how its samples are read, predicted, kept and scored."""

from __future__ import annotations

from eval.benchmark import FamilyName
from eval.families.action_unit_editing import ActionUnitEditingFamily
from eval.families.action_units import ActionUnitFamily
from eval.families.base import Family
from eval.families.editing import EditingFamily
from eval.families.faithfulness import FaithfulnessFamily
from eval.families.leakage import LeakageFamily
from eval.families.neutralisation import NeutralisationFamily
from eval.families.parts import PartFamily
from eval.families.recognition import RecognitionFamily
from eval.families.robustness import RobustnessFamily
from eval.families.verification import VerificationFamily

FAMILIES: dict[FamilyName, Family] = {
    FamilyName.RECOGNITION: RecognitionFamily(),
    FamilyName.NEUTRALISATION: NeutralisationFamily(),
    FamilyName.VERIFICATION: VerificationFamily(),
    FamilyName.FAITHFULNESS: FaithfulnessFamily(),
    FamilyName.EDITING: EditingFamily(),
    FamilyName.LEAKAGE: LeakageFamily(),
    FamilyName.ROBUSTNESS: RobustnessFamily(),
    FamilyName.PARTS: PartFamily(),
    FamilyName.ACTION_UNITS: ActionUnitFamily(),
    FamilyName.ACTION_UNIT_EDITING: ActionUnitEditingFamily(),
}
