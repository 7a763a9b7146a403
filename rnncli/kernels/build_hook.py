"""Has the C code compiled while the package is built or installed; where that fails the package goes without it."""

import runpy
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class KernelsBuildHook(BuildHookInterface):
    """Compiles before the files of a wheel are gathered."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile in place and mark the wheel as one of this platform.

        Args:
            version: `standard` or `editable`.
            build_data: what the wheel is made of, changed in place.
        """
        script = Path(self.root) / "rnncli" / "kernels" / "build.py"
        problem = runpy.run_path(str(script))["compile_library"]()
        if problem:
            self.app.display_warning(f"without kernels: {problem}")
            return
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
        build_data["pure_python"] = False
        build_data["artifacts"].append("rnncli/kernels/_gru.so")
