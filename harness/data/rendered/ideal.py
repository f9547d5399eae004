"""What an ideal reader of the AU tracks scores: nobody who sees only the sampled frames can do better on average.

Letters: N clips, T sampled frames (16), A action units (18), E expressions (7).

It knows how the clips were made: the class shares, the AU shares per class and the on/off process of `tracks`. It sees,
without error, which AUs are present in the sampled frames, and names the class of the largest posterior.
"""

import numpy as np

from harness.data.rendered.tracks import REFRESH


def log_likelihood(present_NTA: np.ndarray, gap_NT: np.ndarray, shares_EA: np.ndarray) -> np.ndarray:
    """log p(track of the clip | expression), (N, E).

    `gap_NT[:, t]` is the number of frames from sample t - 1 to sample t (column 0 is not read). Given the expression
    the AUs are independent Markov chains: the first sample is on with share p, a later one is as before unless decided
    anew, P(on) = keep * before + (1 - keep) * p.
    """
    keep_NT = (1.0 - REFRESH) ** gap_NT[:, 1:, None]
    first, before, after = present_NTA[:, 0], present_NTA[:, :-1], present_NTA[:, 1:]
    scores = []
    for share_A in shares_EA:
        start = np.log(np.where(first, share_A, 1.0 - share_A)).sum(axis=1)
        on = keep_NT * before + (1.0 - keep_NT) * share_A
        scores.append(start + np.log(np.where(after, on, 1.0 - on)).sum(axis=(1, 2)))
    return np.stack(scores, axis=1)


def read_clips(present_NTA: np.ndarray, gap_NT: np.ndarray, shares_EA: np.ndarray, prior_E: np.ndarray) -> np.ndarray:
    """The class the ideal reader names for each clip, (N,)."""
    return (log_likelihood(present_NTA, gap_NT, shares_EA) + np.log(prior_E)).argmax(axis=1)


def war_uar(named_N: np.ndarray, label_N: np.ndarray) -> tuple[float, float]:
    """Share of clips named right, and its mean over the classes that occur; in percent."""
    right_N = named_N == label_N
    recalls = [right_N[label_N == label].mean() for label in np.unique(label_N)]
    return 100.0 * float(right_N.mean()), 100.0 * float(np.mean(recalls))
