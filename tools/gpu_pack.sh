#!/usr/bin/env bash
# Packs a build's programs for a machine that has a GPU and nothing else: no MPI, no HDF5, no FFTW.
#
#   tools/gpu_pack.sh [--build DIR] [--ssp FILE] OUT.tar.gz
#
# In the archive: tessera, the tests that run on a GPU, tessera_gpu_bench, mpirun, the libraries they need, gpu_check.sh to start
# them all, and `run` to start one of them. Not in it: glibc, the driver, and CUDA's large libraries, which `run` looks for there.
#   --build DIR  a build with TESSERA_CUDA=ON and tests [build/release]      --ssp FILE  SSP library of the benchmark [the built-in one]
# Exit status: 0 packed, 1 something is missing, 2 wrong arguments.
set -euo pipefail

tools=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
most=60 # MB
build=$tools/../build/release
ssp='' out=''
die() {
    echo "gpu_pack: $2" >&2
    exit "$1"
}
while [ $# -gt 0 ]; do
    case $1 in
    --build | --ssp)
        [ -n "${2:-}" ] || die 2 "$1 needs a value"
        if [ "$1" = --build ]; then build=$2; else ssp=$2; fi
        shift 2
        ;;
    -h | --help)
        sed -n '2,9s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    -*) die 2 "unknown option '$1'; see $0 --help" ;;
    *)
        [ -z "$out" ] || die 2 "one archive, not '$out' and '$1'"
        out=$1
        shift
        ;;
    esac
done
[[ $out == *.tar.gz ]] || die 2 "needs the archive's name, OUT.tar.gz, found '$out'"
[ -e "$build/gpu_tests.txt" ] || die 1 "no $build/gpu_tests.txt: build with -DTESSERA_TESTS=ON first, or give --build"
[ -z "$ssp" ] || [ -r "$ssp" ] || die 1 "cannot read $ssp"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/tessera-gpu-pack.XXXXXX")
trap 'rm -rf -- "$scratch"' EXIT
pack=$scratch/tessera-gpu
mkdir -p "$pack/bin" "$pack/lib/runtime" "$pack/data"

# Every library belongs to one of these, by its name.
kind_of() {
    case $1 in
    linux-vdso.* | ld-linux* | libc.so.* | libm.so.* | libdl.so.* | libpthread.so.* | librt.so.* | libresolv.so.* | libutil.so.* | libnsl.so.* | libanl.so.*) echo system ;;
    libcuda.so.* | libnvidia-*) echo driver ;;
    libcublas* | libcufft* | libcudart* | libnccl* | libnvJitLink* | libnvrtc* | libcusparse* | libcusolver* | libcurand*) echo cuda ;;
    libstdc++.* | libgcc_s.* | libgomp.*) echo runtime ;;
    *) echo ours ;;
    esac
}
# Copies what a program or library loads, and notes what the other machine has to have.
add_libraries_of() {
    local name arrow path
    while read -r name arrow path _; do
        case $(kind_of "${name##*/}"),$arrow,$path in
        system,* | driver,*) ;;
        cuda,*) echo "$name" >>"$scratch/cuda" ;;
        *,'=>',not) die 1 "$1 needs $name, which is not on this machine" ;;
        runtime,'=>',*) # a folder each: only those that are missing there come into use
            mkdir -p "$pack/lib/runtime/$name"
            [ -e "$pack/lib/runtime/$name/$name" ] || cp -L -- "$path" "$pack/lib/runtime/$name/$name"
            ;;
        ours,'=>',*) [ -e "$pack/lib/$name" ] || cp -L -- "$path" "$pack/lib/$name" ;;
        esac
    done < <(ldd "$1" 2>/dev/null)
}
add_program() {
    [ -x "$1" ] || die 1 "no program $1: build it first"
    cp -L -- "$1" "$pack/bin/"
    add_libraries_of "$1"
}

: >"$scratch/cuda"
add_program "$build/bin/tessera"
add_program "$build/bin/tessera_gpu_bench"
while read -r _ test _; do add_program "$build/tests/$test"; done <"$build/gpu_tests.txt"
if [ -e "$build/libtessera_cuda.so" ]; then # opened at run time from beside libtessera.so
    cp -L -- "$build/libtessera_cuda.so" "$pack/lib/"
    add_libraries_of "$build/libtessera_cuda.so"
    echo libnccl.so.2 >>"$scratch/cuda"
else
    echo "gpu_pack: $build has no CUDA parts: this archive runs the emulation alone" >&2
fi
LC_ALL=C sort -u "$scratch/cuda" >"$pack/cuda_libraries.txt"

# Open MPI, at the places below its prefix where it looks for its plugins when OPAL_PREFIX moves it.
if command -v ompi_info >/dev/null 2>&1; then
    info() { ompi_info --path "$1" --parsable | cut -d: -f3; }
    prefix=$(info prefix)
    plugins=$(info pkglibdir)
    there=$pack/${plugins#"$prefix"/}
    mkdir -p "$there" "$pack/share/openmpi"
    for program in mpirun orted; do
        path=$(readlink -f -- "$(command -v "$program")") || die 1 "no $program beside ompi_info"
        cp -- "$path" "$pack/bin/$program"
        add_libraries_of "$path"
    done
    cp -- "$prefix"/share/openmpi/*.txt "$pack/share/openmpi/"
    for plugin in "$plugins"/*.so; do
        needs=$(ldd "$plugin" 2>/dev/null)
        # One node needs no fabrics, and their libraries are large.
        case $needs in *libfabric* | *libucp.* | *libuct.* | *libucs.* | *libpsm* | *libibverbs* | *librdmacm* | *liboshmem* | *"not found"*) continue ;; esac
        cp -L -- "$plugin" "$there/"
        add_libraries_of "$plugin"
    done
else
    echo "gpu_pack: no Open MPI here: the archive runs one rank alone" >&2
fi

find "$pack/bin" "$pack/lib" -type f \( -name '*.so*' -o -path '*/bin/*' \) -exec chmod u+w {} + -exec strip --strip-unneeded {} +
cp -- "$build/gpu_tests.txt" "$tools/gpu_check.sh" "$pack/"
[ -z "$ssp" ] || cp -L -- "$ssp" "$pack/data/ssp.h5"

cat >"$pack/run" <<'RUN'
#!/usr/bin/env bash
# run [-n RANKS] PROGRAM [ARGUMENT...]: starts a program of this archive, wherever it was unpacked. CUDA's libraries are looked for in
# TESSERA_CUDA_LIBS and LD_LIBRARY_PATH (folders with colons between), /usr/local/cuda and pip's packages.
set -euo pipefail
here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
ranks=''
if [ "${1:-}" = -n ]; then
    ranks=$2
    shift 2
fi
if [ $# -eq 0 ]; then
    sed -n '2,3s/^# //p' "$0"
    ls "$here/bin"
    exit 2
fi
program=$here/bin/$1
shift
known=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null || true)
path=$here/lib
for folder in "$here"/lib/runtime/*/; do
    folder=${folder%/}
    [[ $known == *"${folder##*/} "* ]] || path+=:$folder
done
candidates=()
IFS=: read -ra given <<<"${TESSERA_CUDA_LIBS:-}:${LD_LIBRARY_PATH:-}"
for folder in "${given[@]}" /usr/local/cuda/lib64 /usr/local/cuda/targets/x86_64-linux/lib /usr/local/cuda-*/lib64; do
    [ -z "$folder" ] || candidates+=("$folder")
done
while read -r folder; do
    [ -z "$folder" ] || candidates+=("$folder"/*/lib)
done < <(python3 -c 'import nvidia; print("\n".join(nvidia.__path__))' 2>/dev/null || true)
while read -r library; do
    for folder in "${candidates[@]}"; do
        if [ -e "$folder/$library" ]; then
            [[ :$path: == *":$folder:"* ]] || path+=:$folder
            continue 2
        fi
    done
    # Wanted where there is a GPU; NCCL only for several: without it MPI does its work.
    [[ ! -e /dev/nvidiactl || $known == *"$library "* || $library == libnccl* ]] ||
        echo "run: $library not found on this machine; set TESSERA_CUDA_LIBS to its folder" >&2
done <"$here/cuda_libraries.txt"
export LD_LIBRARY_PATH=$path PATH=$here/bin:$PATH
export OPAL_PREFIX=$here PMIX_MCA_pcompress_base_silence_warning=1
# One node, no scheduler, more ranks than cores.
export OMPI_MCA_plm=isolated OMPI_MCA_pml=ob1 OMPI_MCA_btl=self,vader OMPI_MCA_btl_vader_single_copy_mechanism=none
export OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
[ "$(id -u)" -ne 0 ] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
[ -z "$ranks" ] || exec mpirun -n "$ranks" "$program" "$@"
exec "$program" "$@"
RUN
chmod +x "$pack/run" "$pack/gpu_check.sh"

tar -C "$scratch" -czf "$out" tessera-gpu
size=$(($(stat -c %s -- "$out") / 1000000))
[ "$size" -lt "$most" ] || die 1 "$out has $size MB, more than $most"
echo "$out: $size MB. On the machine with the GPU: tar xzf ${out##*/} && tessera-gpu/gpu_check.sh"
