"""Pose, light, blur, noise and what is in the way."""

from dataclasses import replace

import numpy as np
import pytest

from harness.data.rendered.camera import expose
from harness.data.rendered.identity import Identity
from harness.data.rendered.paint import paint_clip
from harness.data.rendered.scene import OCCLUDERS, Scene, at_frames, clean_scene, draw_scene, project

GREY = np.full((3, 32, 32, 3), 100, np.uint8)
EVEN = replace(clean_scene(3), light=(1.0, 0.0, 0.0, 0.0))


def pictures(scene: Scene) -> np.ndarray:
    return paint_clip(Identity(), scene, np.zeros((len(scene.yaw), 18)), 64)


def test_even_light_changes_nothing() -> None:
    assert (expose(GREY, EVEN, np.arange(3)) == GREY).all()


def test_light_is_a_gain_that_stops_at_white() -> None:
    assert (expose(GREY, replace(EVEN, light=(1.5, 0.0, 0.0, 0.0)), np.arange(3)) == 150).all()
    bright = expose(GREY + np.uint8(120), replace(EVEN, light=(1.9, 0.0, 0.0, 0.0)), np.arange(3))
    assert (bright == 255).all()


def test_light_from_the_left_is_brighter_there() -> None:
    lit = expose(GREY, replace(EVEN, light=(1.0, 0.3, 0.0, 0.0)), np.arange(3)).astype(int)
    assert lit[:, :, 0].mean() == pytest.approx(130, abs=2)
    assert lit[:, :, -1].mean() == pytest.approx(70, abs=2)


def test_blur_is_the_binomial_of_three() -> None:
    dot = np.zeros((1, 32, 32, 3), np.uint8)
    dot[0, 16, 16] = 160
    blurred = expose(dot, replace(EVEN, blur=1), np.arange(1))[0, 15:18, 15:18, 0]
    assert blurred.tolist() == [[10, 20, 10], [20, 40, 20], [10, 20, 10]]


def test_noise_differs_from_moment_to_moment_and_has_no_bias() -> None:
    noisy = expose(GREY, replace(EVEN, noise=6, grain_seed=5), np.arange(3)).astype(int)
    assert (noisy[0] != noisy[1]).mean() > 0.5
    assert abs(noisy.mean() - 100) < 1
    assert 3 < noisy.std() < 8


def test_a_frame_has_the_same_noise_alone_as_in_the_whole_clip() -> None:
    scene = replace(EVEN, noise=6, grain_seed=5)
    assert (expose(GREY[:1], scene, np.array([2])) == expose(GREY, scene, np.arange(3))[2:]).all()


def test_yaw_moves_the_nose_against_the_eyes() -> None:
    points = np.array([[[0.0, 0.2], [0.35, -0.25]]])
    still = clean_scene(1)
    turned = project(points, replace(still, yaw=np.array([0.3])), 96) - project(points, still, 96)
    assert turned[0, 0, 0] > turned[0, 1, 0] + 2


def test_pitch_and_roll_move_what_they_should() -> None:
    points, still = np.array([[[0.0, 0.2], [0.5, 0.0]]]), clean_scene(1)
    nodded = project(points, replace(still, pitch=np.array([0.2])), 96) - project(points, still, 96)
    tilted = project(points, replace(still, roll=np.array([0.2])), 96) - project(points, still, 96)
    assert abs(nodded[0, 0, 1]) > 1
    assert nodded[0, 0, 0] == 0
    assert tilted[0, 1, 1] > 3


@pytest.mark.parametrize("occluder", OCCLUDERS[1:])
def test_an_occluder_hides_a_part_but_not_the_face(occluder: str) -> None:
    bare = clean_scene(1)
    covered = replace(bare, occluder=occluder, occluder_at=(0.5, 0.0, 0.5))
    hidden = (pictures(covered) != pictures(bare)).any(axis=-1).mean()
    assert 0.01 < hidden < 0.2


def test_scenes_differ_and_stay_moderate() -> None:
    scenes = [draw_scene(np.random.default_rng(i), 20) for i in range(200)]
    assert max(np.abs(scene.yaw).max() for scene in scenes) < 0.36
    assert {scene.occluder for scene in scenes} == set(OCCLUDERS)
    assert {scene.blur for scene in scenes} == {0, 1, 2}
    assert len({scene.backdrop for scene in scenes}) == 200
    assert all((scene.yaw != scene.yaw[0]).any() for scene in scenes)


def test_some_frames_of_a_scene_are_those_of_the_whole() -> None:
    scene = draw_scene(np.random.default_rng(0), 20)
    some = at_frames(scene, np.array([3, 7]))
    assert some.yaw.tolist() == scene.yaw[[3, 7]].tolist()
    assert some.gaze.tolist() == scene.gaze[[3, 7]].tolist()
    assert some.light == scene.light
