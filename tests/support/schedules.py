"""Schedules of npnet and of torch, made alike and stepped side by side."""

import pytest

import npnet
from npnet import Parameter

#: What schedules may set in a group.
SET = ("lr", "initial_lr", "max_lr", "min_lr", "momentum", "betas", "max_momentum", "base_momentum")


def optimizers(kind="SGD", rates=(0.1, 0.03)):
    """Return an npnet optimizer and torch's, with a group for each rate."""
    torch = pytest.importorskip("torch")
    found = []
    for optim, maker in ((npnet.optim, Parameter), (torch.optim, lambda d: torch.ones(len(d)))):
        groups = [{"params": [maker([1.0])], "lr": rate} for rate in rates]
        found.append(getattr(optim, kind)(groups, **({"momentum": 0.9} if kind == "SGD" else {})))
    return found


def pair(make, kind="SGD", rates=(0.1, 0.03)):
    """Return (npnet optimizer, schedule) and torch's; `make` gets a module and an optimizer."""
    torch = pytest.importorskip("torch")
    mine, theirs = optimizers(kind, rates)
    schedulers = make(npnet.optim.lr_scheduler, mine), make(torch.optim.lr_scheduler, theirs)
    return (mine, schedulers[0]), (theirs, schedulers[1])


def settings(optimizer):
    """Return all that schedules have set in the groups."""
    return [{name: g[name] for name in SET if name in g} for g in optimizer.param_groups]


def assert_alike(mine, theirs):
    """Raise unless (optimizer, schedule) agree with torch's to the last bit."""
    assert settings(mine[0]) == settings(theirs[0])
    assert mine[1].get_last_lr() == theirs[1].get_last_lr() == [s["lr"] for s in settings(mine[0])]
    assert mine[1].state_dict() == theirs[1].state_dict()


def jump(make, epochs):
    """Step twins to epochs in turn, None being the next one; their rates agree to the last bit."""
    mine, theirs = pair(make)
    for epoch in epochs:
        for optimizer, scheduler in (mine, theirs):
            optimizer.step()
            if epoch is None:
                scheduler.step()
            else:
                with pytest.warns(UserWarning, match="deprecated"):
                    scheduler.step(epoch)
        assert_alike(mine, theirs)


def lockstep(make, epochs=300, kind="SGD", arguments=lambda epoch: ()):
    """Step twins; half way npnet's is replaced by a new one that loads torch's states."""
    mine, theirs = pair(make, kind)
    assert_alike(mine, theirs)
    seen = [mine[1].get_last_lr()]
    for epoch in range(epochs):
        for optimizer, scheduler in (mine, theirs):
            optimizer.step()
            scheduler.step(*arguments(epoch))
        assert_alike(mine, theirs)
        seen.append(mine[1].get_last_lr())
        if epoch == epochs // 2:
            mine = pair(make, kind)[0]
            mine[1].load_state_dict(theirs[1].state_dict())
            mine[0].load_state_dict(theirs[0].state_dict())
            assert_alike(mine, theirs)
    return seen


def rates(scheduler, epochs):
    """Return the rates of the first epoch and of so many more."""
    found = [*scheduler.get_last_lr()]
    for _ in range(epochs):
        scheduler.optimizer.step()
        scheduler.step()
        found += scheduler.get_last_lr()
    return found
