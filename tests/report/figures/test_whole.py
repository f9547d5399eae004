"""Only whole pairs are compared, and what was compared is said above the picture."""

import numpy as np

from harness.report.figures.whole import confusion_of, headline, one_rule, whole_pairs


def test_pairs_are_of_one_fold_and_seed_and_broken_ones_are_left_out(setting_of, run_config, run_environment):
    configs = [run_config(fold=fold, arm=arm) for fold in (1, 2, 3) for arm in ("baseline", "au-minor")][:5]
    (setting,) = setting_of(*configs, machines={3: run_environment(torch="2.12.0")})
    pairs = whole_pairs(setting, "m3dfel", "au-minor")
    assert [(one.config.arm, one.config.fold, other.config.arm, other.config.fold) for one, other in pairs] == [
        ("baseline", 1, "au-minor", 1)
    ]


def test_the_headline_names_data_engine_rule_folds_and_seeds(setting_of, run_config):
    (setting,) = setting_of(*(run_config(fold=fold, seed=seed) for fold in (1, 2, 3) for seed in (0, 1)))
    assert headline(setting, setting.runs, "best-on-test") == (
        "rendered faces (not DFEW)", "native engine, scale demo", "selection best-on-test (oracle)",
        "folds 1-3 of 5, seeds 0, 1",
    )  # fmt: skip


def test_the_rule_last_comes_before_the_oracle_and_must_be_common_to_all(setting_of, run_config):
    (setting,) = setting_of(run_config(), run_config(arm="au-minor", selection=("best-on-test",)))
    assert one_rule(setting.runs[1:]) == "last"
    assert one_rule(setting.runs) == "best-on-test"


def test_confusions_are_summed_over_runs(setting_of, run_config):
    (setting,) = setting_of(run_config(fold=1), run_config(fold=2))
    both = confusion_of(setting.runs, "last")
    np.testing.assert_array_equal(both.sum(axis=1), 2 * np.array([12, 9, 13, 10, 7, 1, 4]))
