"""The recipes for Spack and Apptainer, which cannot be built here, against the source tree: recipes_test.py SOURCE_TREE

The Spack recipe runs with stand-ins for Spack's modules: its options are ones that CMake knows, and every library that CMake
looks for is among its dependencies. The Apptainer definition's files exist, and its shell parses.
"""

import pathlib
import re
import subprocess
import sys
import types

root = pathlib.Path(sys.argv[1])
cmake = "\n".join(p.read_text() for p in [root / "CMakeLists.txt", *sorted((root / "cmake").glob("*.cmake"))])


class Prefix(str):
    def __getattr__(self, name):
        return Prefix(f"{self}/{name}")


class Spec:
    def __init__(self, on):
        self.on = on
        self.variants = {"cuda_arch": types.SimpleNamespace(value=("90",))}

    def satisfies(self, what):
        return what in self.on

    def __getitem__(self, name):
        return types.SimpleNamespace(prefix=Prefix(f"/{name}"))


class Package:
    def define(self, name, value):
        return name, value

    def define_from_variant(self, name, variant):
        return name, variant


def load(path):
    """The class Tessera and the specs that it depends on."""
    depends = []
    directives = types.ModuleType("spack.package")
    for name in ("license", "version", "variant", "conflicts", "generator", "maintainers", "requires"):
        setattr(directives, name, lambda *args, **kwargs: None)
    directives.depends_on = lambda spec, **kwargs: depends.append(spec)
    sys.modules["spack"] = types.ModuleType("spack")
    sys.modules["spack.package"] = directives
    for name in ("", ".builtin", ".builtin.build_systems"):
        sys.modules["spack_repo" + name] = types.ModuleType("spack_repo" + name)
    for name, kind in (("cmake", "CMakePackage"), ("cuda", "CudaPackage")):
        module = types.ModuleType(name)
        setattr(module, kind, type(kind, (Package,), {}))
        sys.modules["spack_repo.builtin.build_systems." + name] = module
    scope = {"__file__": str(path), "__name__": "package"}
    exec(compile(path.read_text(), path, "exec"), scope)
    return scope["Tessera"], depends


def check_spack():
    recipe = root / "tools/spack/spack_repo/tessera/packages/tessera/package.py"
    package, depends = load(recipe)
    assert pathlib.Path(package.git.removeprefix("file://")) == root.resolve(), package.git

    for on in ((), ("+cuda",), ("+cuda", "+nccl")):
        instance = package()
        instance.spec = Spec(on)
        defined = dict(instance.cmake_args())
        for name in defined:
            assert re.search(rf"\b{name}\b", cmake), f"{name} is not in CMakeLists.txt or cmake/"
        assert defined["TESSERA_CUDA"] == ("ON" if on else "OFF")
        assert ("CMAKE_CUDA_ARCHITECTURES" in defined) == bool(on)

    names = {re.match(r"[a-z0-9-]+", spec).group() for spec in depends}
    of_cmake = {"MPI": "mpi", "fmt": "fmt", "yaml-cpp": "yaml-cpp", "Boost": "boost", "ZLIB": "zlib-api", "HDF5": "hdf5",
                "PkgConfig": "pkgconfig", "fftw3": "fftw", "fftw3f": "fftw", "cfitsio": "cfitsio", "cairo": "cairo",
                "Threads": None, "OpenMP": None, "CUDAToolkit": None, "nlohmann_json": "nlohmann-json"}  # None: the compilers'
    wanted = set(re.findall(r"find_package\((\S+)[^)]*REQUIRED", cmake))
    wanted |= set(re.findall(r"pkg_check_modules\(\S+ REQUIRED IMPORTED_TARGET (\S+)\)", cmake))
    assert {"MPI", "fftw3f", "HDF5"} <= wanted, wanted
    for library in wanted:
        assert library in of_cmake, f"CMake looks for {library}: which package of Spack is it?"
        assert of_cmake[library] is None or of_cmake[library] in names, f"{library} is no dependency of the Spack recipe"
    sources = [p for p in (root / "src").rglob("*.cpp")]
    if any("<nlohmann/" in p.read_text() for p in sources):
        assert "nlohmann-json" in names


def check_apptainer():
    text = (root / "tools/apptainer/tessera.def").read_text()
    parts = re.split(r"^%(\w+)\n", text, flags=re.M)
    sections = dict(zip(parts[1::2], parts[2::2]))
    assert set(sections) == {"arguments", "files", "post", "environment", "runscript", "test"}, sections.keys()
    assert re.search(r"^\s*base=\S+$", sections["arguments"], flags=re.M) and "{{ base }}" in parts[0]
    for line in sections["files"].split("\n"):
        if line.strip():
            source, target = line.split()
            assert (root / source).exists(), f"{source} is not in the source tree"
            assert target == f"/opt/source/{source}"
    for name in ("post", "environment", "runscript", "test"):
        subprocess.run(["sh", "-n"], input=sections[name], text=True, check=True)
    for name in re.findall(r"-D(TESSERA_\w+)", sections["post"]):
        assert re.search(rf"\b{name}\b", cmake), f"{name} is not in CMakeLists.txt or cmake/"


check_spack()
check_apptainer()
print("all right")
