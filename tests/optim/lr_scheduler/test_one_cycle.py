import pytest

from npnet import Parameter
from npnet.optim import SGD, Adagrad, Adam
from npnet.optim.lr_scheduler import OneCycleLR
from tests.support.schedules import lockstep


@pytest.mark.torch
@pytest.mark.parametrize("kind", ["SGD", "Adam", "RMSprop"])
@pytest.mark.parametrize(
    "options",
    [
        {"max_lr": 0.3},
        {"max_lr": [0.3, 0.2], "base_momentum": [0.8, 0.7], "max_momentum": (0.9, 0.95)},
        {"max_lr": 0.3, "anneal_strategy": "linear", "pct_start": 0.11},
        {"max_lr": 0.3, "three_phase": True, "div_factor": 10.0, "final_div_factor": 1e2},
        {"max_lr": 0.3, "cycle_momentum": False, "pct_start": 0.0},
    ],
)
def test_rates_and_momenta_are_torchs_to_the_last_bit(kind, options):
    lockstep(lambda s, o: s.OneCycleLR(o, epochs=30, steps_per_epoch=10, **options), kind=kind)


@pytest.mark.torch
def test_no_momentum_is_cycled_where_none_is_wanted():
    lockstep(
        lambda s, o: s.OneCycleLR(o, 0.3, 100, cycle_momentum=False), epochs=100, kind="Adagrad"
    )


def test_the_points_by_hand():
    optimizer = Adam([Parameter([1.0])], betas=(0.5, 0.9))
    scheduler = OneCycleLR(
        optimizer,
        max_lr=1.0,
        total_steps=9,
        pct_start=1 / 3,
        anneal_strategy="linear",
        div_factor=4,
        final_div_factor=2,
    )
    seen = []
    for _ in range(9):
        seen.append((scheduler.get_last_lr()[0], optimizer.param_groups[0]["betas"]))
        optimizer.step()
        scheduler.step()
    assert [round(lr, 12) for lr, _ in seen[:3]] == [0.25, 0.625, 1.0]
    assert round(seen[8][0], 12) == 0.125
    assert [round(betas[0], 12) for _, betas in seen[:3]] == [0.95, 0.9, 0.85]
    assert all(betas[1] == 0.9 for _, betas in seen)


@pytest.mark.torch
def test_a_cycle_that_only_goes_up_is_torchs_until_torch_divides_by_zero():
    seen = lockstep(lambda s, o: s.OneCycleLR(o, 0.3, 300, pct_start=1.0), epochs=299)
    assert seen[-1] == pytest.approx([0.3, 0.3], rel=1e-12)


@pytest.mark.parametrize(
    ("pct_start", "three_phase", "steps", "expected"),
    [(0.25, False, 0, 1.0), (1.0, False, 4, 0.125), (0.25, True, 0, 1.0)],
)
def test_a_phase_without_length_is_over_at_once(pct_start, three_phase, steps, expected):
    optimizer = SGD([Parameter([1.0])])
    scheduler = OneCycleLR(
        optimizer,
        1.0,
        total_steps=4,
        pct_start=pct_start,
        div_factor=4,
        final_div_factor=2,
        three_phase=three_phase,
    )
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
    assert scheduler.get_last_lr() == [expected]


def test_a_step_beyond_the_last_changes_nothing():
    optimizer = SGD([Parameter([1.0])], momentum=0.9)
    scheduler = OneCycleLR(optimizer, 1.0, total_steps=3)
    for _ in range(3):
        optimizer.step()
        scheduler.step()
    before = scheduler.state_dict(), dict(optimizer.param_groups[0])
    for _ in range(2):
        with pytest.raises(ValueError, match="OneCycleLR: expected at most 3 steps, got 4; step"):
            scheduler.step()
    assert (scheduler.state_dict(), dict(optimizer.param_groups[0])) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "expected total_steps, or epochs and steps_per_epoch, .* got epochs=None"),
        ({"total_steps": 0}, "got total_steps=0"),
        ({"total_steps": 2.0}, "got total_steps=2.0"),
        ({"epochs": 2}, "got steps_per_epoch=None"),
        ({"epochs": -1, "steps_per_epoch": 2}, "got epochs=-1"),
        ({"total_steps": 9, "pct_start": 1.5}, r"pct_start must be in \[0, 1\], got 1.5"),
        ({"total_steps": 9, "anneal_strategy": "sine"}, "must be 'cos' or 'linear', got 'sine'"),
        ({"total_steps": 9, "max_momentum": [0.9, 0.9]}, "expected 1 values as max_momentum"),
        ({"total_steps": 9, "max_lr": []}, "expected 1 values as max_lr"),
        ({"total_steps": 9, "div_factor": 0}, "div_factor must be above 0, got 0"),
        ({"total_steps": 9, "final_div_factor": -1}, "final_div_factor must be above 0, got -1"),
    ],
)
def test_cycles_that_cannot_be_are_refused(options, message):
    optimizer = SGD([Parameter([1.0])], lr=0.5, momentum=0.5)
    before = dict(optimizer.param_groups[0])
    with pytest.raises(ValueError, match=f"OneCycleLR: .*{message}"):
        OneCycleLR(optimizer, **{"max_lr": 1.0, **options})
    with pytest.raises(TypeError):
        OneCycleLR(optimizer, "fast", total_steps=9)
    assert optimizer.param_groups[0] == before


def test_a_momentum_that_is_not_there_cannot_be_cycled():
    optimizer = Adagrad([Parameter([1.0])])
    with pytest.raises(ValueError, match=r"OneCycleLR: .* got Adagrad; it takes cycle_mo"):
        OneCycleLR(optimizer, 1.0, total_steps=9)
    assert "initial_lr" not in optimizer.param_groups[0]
