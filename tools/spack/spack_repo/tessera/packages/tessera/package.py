# Spack 1.0 or later: spack repo add tools/spack/spack_repo/tessera; spack install tessera (docs/cluster.md).
import os

from spack_repo.builtin.build_systems.cmake import CMakePackage
from spack_repo.builtin.build_systems.cuda import CudaPackage

from spack.package import *


class Tessera(CMakePackage, CudaPackage):
    """Mock integral-field data cubes from cosmological simulations."""

    # The checkout that this recipe lies in: what is committed there is what is built.
    _checkout = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 6))
    homepage = "file://" + os.path.join(_checkout, "README.md")
    git = "file://" + _checkout

    license("BSD-3-Clause")

    version("main", branch="main")

    variant("native", default=False, description="Use every instruction of the building machine's CPU")
    variant("nccl", default=True, when="+cuda", description="GPU memory from rank to rank by NCCL")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("ninja", type="build")
    depends_on("pkgconfig", type="build")

    depends_on("mpi@3:")
    depends_on("hdf5@1.10:1 +mpi")
    depends_on("fftw@3.3: precision=float,double")
    depends_on("boost@1.74: +program_options")
    depends_on("fmt@9:")
    depends_on("yaml-cpp@0.7:")
    depends_on("nlohmann-json@3.9:", type="build")
    depends_on("cfitsio@4:")
    depends_on("cairo +png +pdf +svg +ft +fc")
    depends_on("zlib-api")
    depends_on("nccl", when="+nccl")

    conflicts("%gcc@:11", msg="C++20 as tessera uses it needs GCC 12 or later")
    conflicts("cuda_arch=none", when="+cuda", msg="name the GPUs: cuda_arch=80 (A100), cuda_arch=90 (H100, H200)")

    generator("ninja")

    def cmake_args(self):
        args = [
            self.define("TESSERA_TESTS", False),
            self.define("TESSERA_WERROR", False),
            self.define("TESSERA_CUDA", "ON" if self.spec.satisfies("+cuda") else "OFF"),
            self.define_from_variant("TESSERA_NATIVE", "native"),
            self.define("HDF5_ROOT", self.spec["hdf5"].prefix),
        ]
        if self.spec.satisfies("+cuda"):
            args.append(self.define("CMAKE_CUDA_ARCHITECTURES", self.spec.variants["cuda_arch"].value))
        if self.spec.satisfies("+nccl"):
            args.append(self.define("TESSERA_NCCL_INCLUDE", self.spec["nccl"].prefix.include))
        return args

    def setup_run_environment(self, env):
        # libnccl.so.2 is opened while the program runs, when several ranks have GPUs.
        if self.spec.satisfies("+nccl"):
            env.set("TESSERA_NCCL_LIBRARY", os.path.join(self.spec["nccl"].prefix.lib, "libnccl.so.2"))
