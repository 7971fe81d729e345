"""Builds a project's component: `python -m socklet_guest build`.

`builder` has the steps: `project` finds what to build, `probe` asks the handler what it uses
(in a process of its own, by `probed`; `callbacks` looks at its methods there), `world` says that
in WIT, and `componentize` has componentize-py make the component, which `unleak` mends.
"""

from .errors import BuildError

# Nothing else: `probe` imports a part of this beside the handler, which is to bring its own.
__all__ = ["BuildError"]
