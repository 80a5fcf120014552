"""Containers: Modules made of Modules, and what holds Parameters under places or names."""

from npnet.containers.module_dict import ModuleDict
from npnet.containers.module_list import ModuleList
from npnet.containers.parameter_dict import ParameterDict
from npnet.containers.parameter_list import ParameterList
from npnet.containers.sequential import Sequential

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]
