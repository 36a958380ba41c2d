"""Test smoothing against values computed by hand, and the numbered cases of an alarm."""

from harness import between, done, equal, test
from nearhum.config import complete
from nearhum.detection.temporal import BEGIN, END, Temporal
from nearhum.settings import SETTINGS
from nearhum.wire import NO_SCORE


def made(**given):
    return Temporal(
        complete(dict({"kind": "vibration", "smooth": 256, "source": {"driver": "none"}}, **given))
    )


def smoothed(temporal, score):
    temporal.update(score, 32767)
    return temporal.score


def turns(temporal, scores, threshold=1000):
    out = []
    for score in scores:
        out.append(temporal.update(score, threshold))
    return out


@test
def smoothing_by_hand():
    t = made(smooth=128)
    equal([smoothed(t, s) for s in (100, 200, 200, 0)], [100, 150, 175, 88])
    t = made(smooth=1)  # begins as a mean of all so far, and does not begin at the first one
    equal([smoothed(t, s) for s in (0, 256, 256)], [0, 128, 171])
    for _ in range(300):
        smoothed(t, 0)
    before = smoothed(t, 0)
    equal(smoothed(t, 256) - before, 1)
    t = made(smooth=1)
    smoothed(t, 0)
    # to nearest at every step: it does not stick below
    equal([smoothed(t, 1) for _ in range(300)][-1], 1)
    t = made(smooth=256)
    equal([smoothed(t, s) for s in (-500, 7, 0)], [-500, 7, 0])
    # what is rounded is the mean in Q8: an error of one there would be one in the score here
    t = made(smooth=241)
    equal([smoothed(t, s) for s in (113, 274, -17, -13)], [113, 265, -1, -12])
    t = made(smooth=200)
    equal([smoothed(t, s) for s in (-124, -66, -78, -181)], [-124, -79, -78, -158])


@test
def smoothing_reaches_a_constant():
    for share in (1, 3, 32, 128, 256):
        t = made(smooth=share)
        smoothed(t, -3000)
        for _ in range(4000):
            smoothed(t, 777)
        equal(abs(t.score - 777) <= 1, True, (share, t.score))


@test
def case_1_no_score():
    t = made()
    equal(turns(t, [NO_SCORE, NO_SCORE]), [0, 0])
    equal((t.score, t.alarm), (NO_SCORE, False))


@test
def case_2_too_few_windows_over():
    t = made(alarm_m=2, alarm_n=3)
    equal(turns(t, [2000, 0, 0, 2000, 0, 0]), [0] * 6)


@test
def case_3_enough_windows_over():
    t = made(alarm_m=2, alarm_n=3)
    equal(turns(t, [2000, 0, 2000]), [0, 0, BEGIN])
    equal(t.alarm, True)


@test
def case_4_and_5_an_alarm_lasts_and_ends():
    t = made(alarm_m=2, alarm_n=3)
    equal(turns(t, [2000, 2000, 0, 0, 2000, 0, 0, 0, 0]), [0, BEGIN, 0, 0, 0, 0, 0, END, 0])


@test
def the_threshold_itself_is_not_over():
    t = made()
    equal(turns(t, [1000, 1001, 1000]), [0, BEGIN, END])


@test
def below_zero_an_alarm_is_one_too():
    # no peak is remembered at first: half of the way from -1000 to the score itself is passed
    equal(turns(made(release=192), [-2000, -500, -2000], -1000), [0, BEGIN, END])


@test
def scores_are_held_to_thirty_two_octaves():
    for score in (8190, 8191, 8192, 32000):
        for sign in (1, -1):
            equal(smoothed(made(), sign * score), sign * min(score, 8191))


@test
def a_share_of_the_way_to_the_peak_itself_is_not_over():
    # the peak fades by 1/256 a window: 1400 when 1200 and 1201 come, half of the way from 1000
    for score, wanted in ((1199, END), (1200, END), (1201, 0)):
        t = made(release=128, fade=65535)
        equal(turns(t, [1401, score]), [BEGIN, wanted], score)


@test
def an_alarm_ends_under_its_fading_peak():
    t = made(release=192, fade=16)
    # 4000, then 3000 for ever: 2000 over the threshold, not 3/4 of 3000, until the peak has faded
    # by 334, 16 a window
    found = turns(t, [4000, 3000] + [3000] * 60)
    equal(found[:2], [BEGIN, END])
    between(found[2:].index(BEGIN), 15, 25, "windows")


@test
def every_m_of_n_that_may_be_set_can_alarm():
    most = SETTINGS["alarm_n"][1]
    for m, n in ((1, 1), (3, 5), (most - 1, most), (most, most), (most // 2, most)):
        t = made(alarm_m=m, alarm_n=n)
        found = turns(t, [2000] * (m + 2))
        equal(found.count(BEGIN), 1, "%d of %d" % (m, n))
        equal(found.index(BEGIN), m - 1, "%d of %d" % (m, n))


@test
def windows_beyond_n_are_forgotten():
    n = SETTINGS["alarm_n"][1]
    t = made(alarm_m=2, alarm_n=n)
    equal(turns(t, [2000] + [0] * n + [2000]), [0] * (n + 2))
    t = made(alarm_m=2, alarm_n=n)
    equal(turns(t, [2000] + [0] * (n - 2) + [2000])[-1], BEGIN)


@test
def a_restart_forgets_the_mean_alone():
    t = made(smooth=64)
    turns(t, [5000, 5000])
    t.restart()
    equal((t.score, t.alarm), (NO_SCORE, True))
    equal(smoothed(t, 100), 100)
    t.reset()
    equal(t.alarm, False)


done()
