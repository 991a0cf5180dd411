#!/bin/sh
# Make an environment for the compressor and install what is locked: install.sh [venv], by default build/compressor-venv.
# PYTHON names the interpreter. A pip configured with an index or folder that has the CPU build of torch takes it there.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
venv=${1:-"$here/../../build/compressor-venv"}
torch=2.13.0

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    "${PYTHON:-python3}" -m venv --clear "$venv"
fi
pip() {
    "$venv/bin/python" -m pip --quiet --disable-pip-version-check "$@"
}

echo "installing the compressor into $venv (the first time about 400 MB)"
# The lock is whole but for torch; pip would go and get that, too, if it looked for dependencies.
pip install --no-deps --require-hashes -r "$here/requirements.lock"
# The default index's Linux build carries CUDA, gigabytes of it. `+cpu` is what PyTorch calls the one without;
# on macOS there is no other. What torch needs is in the lock.
case $(uname -s) in
Darwin) pip install --no-deps "torch==$torch" ;;
*)
    pip install --no-deps "torch==$torch+cpu" 2>/dev/null ||
        pip install --no-deps "torch==$torch+cpu" --index-url https://download.pytorch.org/whl/cpu
    ;;
esac
pip install --no-index --no-deps --no-build-isolation -e "$here"
