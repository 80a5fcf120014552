"""Hooks: functions that see what passes through a Module, as steps of the tape it runs on."""

from npnet.hooks.handle import RemovableHandle
from npnet.hooks.hookable import Hookable, no_hooks
from npnet.hooks.hooked import has_hooks, hooked, sealed

__all__ = ["Hookable", "RemovableHandle", "has_hooks", "hooked", "no_hooks", "sealed"]
